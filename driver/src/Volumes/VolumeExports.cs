using CsiThin.Core.Device;
using CsiThin.Core.Nbd;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// Every volume and snapshot of the pools as an NBD export under its handle; snapshots are read-only. Any thread may call.
/// </summary>
internal sealed class VolumeExports(EnginePools pools) : INbdExports
{
    /// <inheritdoc/>
    public IReadOnlyCollection<NbdExport> List() => [.. pools.All.SelectMany(pool => pool.Pool.ListVolumes()).Select(Describe)];

    /// <inheritdoc/>
    public NbdExport? Find(string name) => Lookup(name) is var (_, volume) ? Describe(volume) : null;

    /// <inheritdoc/>
    public IBlockDevice? Open(string name) => Lookup(name) is var (pool, volume) ? Open(pool.Pool, volume.Id, readOnly: false) : null;

    /// <summary>Opens one volume for the wire: gone is null, every other refusal is a sentence for the client.</summary>
    public static IBlockDevice? Open(IEnginePool pool, VolumeId id, bool readOnly)
    {
        try
        {
            return pool.OpenDevice(id, readOnly);
        }
        catch (PoolException gone) when (gone.Error == PoolError.NotFound)
        {
            return null;
        }
        catch (PoolException refusal)
        {
            throw new NbdRefusedException(refusal.Message, refusal);
        }
    }

    /// <summary>The export of one volume.</summary>
    public static NbdExport Describe(VolumeInfo volume) =>
        new(volume.Id.ToString(), Volumes.Describe.Thing(volume.Kind, volume.Name), volume.SizeBytes);

    private (NamedEnginePool Pool, VolumeInfo Volume)? Lookup(string name)
    {
        if (VolumeId.TryParse(name, out var id) && pools.TryFind(id.Pool, out var pool) && pool.Pool.FindVolume(id) is { } usage)
            return (pool, usage.Volume);
        return null;
    }
}
