using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Catalogs;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Dump;

namespace CsiThin.Core.Pool.Layout;

/// <summary>
/// A look at a pool that nobody has open, without changing a byte by itself: state, volumes, check, dump, and the metadata for tools,
/// ours and the kernel's. Used by one thread. Errors are <see cref="PoolException"/>.
/// </summary>
public sealed class PoolInspector : IDisposable
{
    private const int CopyBytes = 1 << 20;
    private readonly PoolDisk _disk;

    private PoolInspector(PoolDisk disk) => _disk = disk;

    /// <summary>
    /// Opens the pool's disk read-only. Only the label must be readable; what is wrong beyond it, <see cref="Check"/> reports.
    /// </summary>
    public static PoolInspector Open(string path) => PoolFormatter.WithDisk(path, readOnly: true, Open);

    /// <summary>
    /// Opens the pool's disk read-only while somebody serves the pool. Only the label holds still, and of <see cref="Metadata"/> what a
    /// metadata snapshot keeps; nothing else of this inspector may be used.
    /// </summary>
    public static PoolInspector Observe(string path) =>
        PoolFormatter.WithDisk(path, new FileDiskOptions { ReadOnly = true, Observe = true }, Open);

    /// <summary>Opens the pool's disk for this process alone, so that a tool may write <see cref="Metadata"/>.</summary>
    public static PoolInspector OpenForRepair(string path) => PoolFormatter.WithDisk(path, readOnly: false, Open);

    /// <summary>Inspects a pool on any disk, which belongs to the inspector from then on.</summary>
    internal static PoolInspector Open(IDisk disk) => new(PoolDisk.Open(disk));

    /// <summary>The pool's id.</summary>
    public Guid Uuid => _disk.Label.Uuid;

    /// <summary>Bytes of a data block, as the label has them.</summary>
    public long DataBlockBytes => _disk.Label.Layout.DataBlockBytes;

    /// <summary>Data blocks that the data region holds, as the label has it.</summary>
    public ulong DataBlocks => _disk.Label.Layout.DataBlocks;

    /// <summary>The metadata region, for the tools of the floor below. It belongs to the inspector.</summary>
    public IDisk Metadata => _disk.Metadata;

    /// <summary>
    /// The state at the last commit. Mode is <see cref="PoolMode.Write"/> unless a check is needed: nobody serves the pool.
    /// </summary>
    public PoolStatus Status => Read((metadata, catalog) =>
        PoolReport.Status(_disk, metadata, catalog, metadata.NeedsCheck ? PoolMode.ReadOnly : PoolMode.Write, commits: 0,
            (ulong)catalog.Dying.Values.Sum(id => (long)(metadata.FindThin(id)?.MappedBlocks ?? 0))));

    /// <summary>All volumes and snapshots with what they occupy.</summary>
    public IReadOnlyList<VolumeUsage> Volumes => Read(
        (metadata, catalog) => PoolReport.Usage(metadata, catalog, static _ => 0, static _ => default));

    /// <summary>
    /// Checks label, metadata (every block and count) and catalog; a sentence for each thing that is wrong, none when all is well.
    /// </summary>
    public IReadOnlyList<string> Check()
    {
        try
        {
            var findings = MetadataChecker.Check(_disk.Metadata).Select(finding => finding.ToString() ?? "").ToList();
            findings.AddRange(CheckCatalog());
            return findings;
        }
        catch (Exception e) when (e is DiskException or MetadataException or PoolException)
        {
            return [PoolErrors.Translate(e).Message];
        }
    }

    /// <summary>
    /// Checks that catalog and metadata agree, each naming exactly the other's devices; a sentence for each that one of them lacks.
    /// </summary>
    public IReadOnlyList<string> CheckCatalog() => Read(Compare);

    /// <summary>
    /// The newest transaction the catalog knows: what a repair gives metadata whose superblock is lost, so that no name is forgotten. Null
    /// when the catalog cannot be read either.
    /// </summary>
    public ulong? CatalogTransactionId
    {
        get
        {
            try
            {
                var journal = _disk.OpenJournal();
                _ = Catalog.Load(journal, _disk.Label.Uuid, ulong.MaxValue); // read for where it ends
                return journal.LastTransactionId;
            }
            catch (Exception e) when (e is DiskException or PoolException)
            {
                return null;
            }
        }
    }

    /// <summary>Writes the metadata as XML, the text of thin_dump.</summary>
    public void Dump(TextWriter output)
    {
        try
        {
            MetadataDump.Write(_disk.Metadata, output);
        }
        catch (Exception e) when (e is DiskException or MetadataException)
        {
            throw PoolErrors.Translate(e);
        }
    }

    /// <summary>Copies the metadata region, byte for byte.</summary>
    public void CopyMetadata(Stream output)
    {
        try
        {
            using var buffer = new AlignedBuffer(CopyBytes);
            var region = _disk.Metadata;
            for (long at = 0; at < region.LengthBytes; at += CopyBytes)
            {
                var part = buffer.Span[..(int)Math.Min(CopyBytes, region.LengthBytes - at)];
                region.Read(at, part);
                output.Write(part);
            }
        }
        catch (DiskException e)
        {
            throw PoolErrors.Translate(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disk.Dispose();
        _disk.Disk.Dispose();
    }

    private T Read<T>(Func<ThinMetadata, CatalogState, T> look)
    {
        try
        {
            using var metadata = _disk.OpenMetadata(readOnly: true, cacheBytes: 16L << 20);
            var catalog = Catalog.Load(_disk.OpenJournal(), _disk.Label.Uuid, metadata.TransactionId);
            return look(metadata, catalog.Committed);
        }
        catch (Exception e) when (e is DiskException or MetadataException or PoolException)
        {
            throw PoolErrors.Translate(e);
        }
    }

    private List<string> Compare(ThinMetadata metadata, CatalogState catalog)
    {
        var devices = metadata.ListThins().Select(t => t.Id).ToHashSet();
        var findings = new List<string>();
        foreach (var volume in catalog.ByNumber.Values)
        {
            if (!devices.Contains(volume.ThinId))
                findings.Add($"The catalog names '{volume.Name}' ({volume.Id}), but the metadata has no thin device {volume.ThinId}.");
        }
        // A dying device may be gone already: somebody else's tools could remove it.
        foreach (var id in devices.Where(id => !catalog.ThinIds.Contains(id)))
            findings.Add($"The metadata has thin device {id}, which no entry of the catalog of pool {_disk.Label.Uuid:N} names.");
        return findings;
    }
}
