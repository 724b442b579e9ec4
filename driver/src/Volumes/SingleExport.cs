using CsiThin.Core.Device;
using CsiThin.Core.Nbd;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>One volume or snapshot as the default export, and under its handle.</summary>
internal sealed class SingleExport(IEnginePool pool, VolumeInfo volume, bool readOnly) : INbdExports
{
    /// <inheritdoc/>
    public IReadOnlyCollection<NbdExport> List() => [VolumeExports.Describe(volume)];

    /// <inheritdoc/>
    public NbdExport? Find(string name) => IsMine(name) ? VolumeExports.Describe(volume) with { Name = name } : null;

    /// <inheritdoc/>
    public IBlockDevice? Open(string name) => IsMine(name) ? VolumeExports.Open(pool, volume.Id, readOnly) : null;

    private bool IsMine(string name) => name.Length == 0 || name == volume.Id.ToString();
}
