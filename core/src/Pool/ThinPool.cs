using CsiThin.Core.Device;
using CsiThin.Core.Device.Latency;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Catalogs;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Pool;

/// <summary>
/// An open pool: volumes and snapshots on one disk or file, and the verbs on them. One process at a time owns a pool.
/// <para>
/// The write path in five steps: <see cref="ThinVolumeQueue"/> maps what is mapped and defers the rest; <see cref="PoolWorker"/> takes what
/// is deferred; <see cref="Provisioner"/> allocates, fills and maps; <see cref="Committer"/> makes it durable; <see cref="ThinMetadata"/>
/// is the dm-thin format.
/// </para>
/// <para>
/// Concurrency: every member may be called from any thread. Verbs run on the pool's worker one after the other; a verb that changes
/// something returns when the change is durable. Errors are <see cref="PoolException"/>.
/// </para>
/// </summary>
public sealed partial class ThinPool : IDisposable
{
    private readonly PoolDisk _disk;
    private readonly PoolState _state;
    private readonly Catalog _catalog;
    private readonly Committer _committer;
    private readonly PoolWorker _worker;
    private readonly SpaceWatch _watch;
    private readonly PoolTrimmer _trimmer;
    private readonly Dictionary<ulong, VolumeState> _open = [];
    private readonly TimeProvider _time;
    private bool _disposed;

    private ThinPool(PoolDisk disk, ThinMetadata metadata, Catalog catalog, PoolOpenOptions options)
    {
        _disk = disk;
        _catalog = catalog;
        _time = options.Time;
        _state = new PoolState(disk.Disk, disk.Data, metadata, disk.Label.Layout.DataBlockBytes, options);
        _watch = new SpaceWatch(_state, options.DataThresholds, options.MetadataThresholds);
        if (options.ReadOnly)
            _state.Degrade(PoolMode.ReadOnly, "it was opened so.");
        else if (metadata.NeedsCheck)
            _state.Degrade(PoolMode.ReadOnly, "its metadata needs a check.");
        _committer = new Committer(_state, catalog, _watch, options.Time);
        _worker = new PoolWorker(_state, _committer, options.Time, $"pool {disk.Label.Uuid:N}"[..13]);
        _trimmer = new PoolTrimmer(_state, _worker, disk.Label.Uuid);
    }

    /// <summary>The pool's id, for ever.</summary>
    public Guid Uuid => _disk.Label.Uuid;

    /// <summary>How long the commits of metadata since it was opened have taken.</summary>
    public LatencyHistogram CommitTimes => _committer.Times;

    /// <summary>How far the pool has degraded.</summary>
    public PoolMode Mode => _state.Mode;

    /// <summary>
    /// Lays out a new pool on a file or block device (a file is created, sparse, when a size is given). Errors: HoldsData, Busy,
    /// OutOfRange, InvalidArgument, Io.
    /// </summary>
    public static void Format(string path, PoolFormatOptions options) => PoolFormatter.Format(path, options);

    /// <summary>Opens the pool on a file or block device. Errors: NotAPool, Busy, Corrupt, Unsupported, Io.</summary>
    public static ThinPool Open(string path, PoolOpenOptions options) =>
        PoolFormatter.WithDisk(path, options.ReadOnly, disk => Open(disk, options));

    /// <summary>Opens the pool on any disk, which belongs to the pool from then on.</summary>
    internal static ThinPool Open(IDisk disk, PoolOpenOptions options)
    {
        ThinMetadata? metadata = null;
        try
        {
            options.Check();
            var regions = PoolDisk.Open(disk);
            metadata = regions.OpenMetadata(options.ReadOnly, options.MetadataCacheBytes, options.MetadataFaults);
            var journal = regions.OpenJournal();
            var catalog = Catalog.Load(journal, regions.Label.Uuid, metadata.TransactionId);
            if (!options.ReadOnly)
                journal.Scrub();
            var pool = Start(new ThinPool(regions, metadata, catalog, options), options.MappingLogDirectory);
            pool.WatchGrowth(options.GrowthCheckPeriod);
            return pool;
        }
        catch (Exception e) when (e is DiskException or MetadataException or PoolException)
        {
            metadata?.Dispose();
            throw PoolErrors.Translate(e);
        }
    }

    /// <summary>All volumes and snapshots, by <see cref="VolumeId.Number"/>.</summary>
    public IReadOnlyList<VolumeInfo> ListVolumes() => [.. _catalog.Committed.ByNumber.Values];

    /// <summary>The same with what each occupies.</summary>
    public IReadOnlyList<VolumeUsage> ListUsage() => _worker.Invoke(
        () => PoolReport.Usage(_state.Metadata, _catalog.Committed, HandlesOf, _state.Space.Of), commits: false);

    /// <summary>One volume with what it occupies, null if there is none of that handle.</summary>
    public VolumeUsage? FindVolume(VolumeId id)
    {
        if (_catalog.Committed.Find(id) is not { } volume)
            return null;
        return _worker.Invoke(() => PoolReport.Usage(_state.Metadata, volume, HandlesOf, _state.Space.Of), commits: false);
    }

    /// <summary>The volume or snapshot of that name, null if there is none.</summary>
    public VolumeInfo? FindVolumeByName(VolumeKind kind, string name) => _catalog.Committed.Find(kind, name);

    /// <summary>Opens a volume, or a snapshot (always read-only), for I/O. Errors: NotFound, ShuttingDown.</summary>
    public IBlockDevice OpenDevice(VolumeId id, bool readOnly) => _worker.Invoke(() => OpenNow(id, readOnly), commits: false);

    /// <summary>Makes all that was acknowledged durable.</summary>
    public void Flush() => _ = _worker.Invoke(static () => true, commits: true);

    /// <summary>Commits and closes: the last verb. Devices still open answer ShuttingDown or Io from here on.</summary>
    public void Close()
    {
        if (_disposed)
            return;
        try
        {
            if (_state.Mode < PoolMode.ReadOnly)
            {
                _ = _worker.Invoke(ReleaseHoldNow, commits: true);
                _state.MappingLog?.Delete();
            }
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>Releases the disk without committing; see <see cref="Close"/>.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _growthTimer?.Dispose();
        _worker.Dispose();
        _state.Close();
        _state.Flusher.Dispose();
        _state.Withheld.Wait(); // a discard under way needs the disk
        // Twice, because the first only parts those who came before it from those after.
        _state.Epochs.Flip();
        _state.Epochs.Flip();
        foreach (var volume in _open.Values)
            volume.Device.Dispose();
        _state.MappingLog?.Dispose();
        _state.Metadata.Dispose();
        _disk.Dispose();
        _disk.Disk.Dispose();
    }

    internal void CloseHandle(VolumeState volume)
    {
        try
        {
            _ = _worker.Invoke(() => CloseNow(volume), commits: false);
        }
        catch (PoolException e) when (e.Error == PoolError.ShuttingDown)
        {
            // The pool went first and has closed the device itself.
        }
    }

    private ThinVolume OpenNow(VolumeId id, bool readOnly)
    {
        var volume = Require(id);
        if (!_open.TryGetValue(id.Number, out var open))
        {
            open = new VolumeState(volume, _state.Metadata.OpenThin(volume.ThinId));
            _open.Add(id.Number, open);
        }
        open.Handles++;
        return new ThinVolume(this, _state, open, readOnly || volume.Kind == VolumeKind.Snapshot);
    }

    private int HandlesOf(VolumeId id) => _open.GetValueOrDefault(id.Number)?.Handles ?? 0;

    private bool CloseNow(VolumeState volume)
    {
        if (--volume.Handles == 0)
        {
            _open.Remove(volume.Volume.Id.Number);
            volume.Device.Dispose();
        }
        return true;
    }

    private VolumeInfo Require(VolumeId id) => _catalog.Working.Find(id) ??
        throw new PoolException(PoolError.NotFound, $"Pool {Uuid:N} has no volume or snapshot {id}.");
}
