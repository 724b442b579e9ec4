using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Latency;
using CsiThin.Core.Format;
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
    /// <summary>The largest virtual size, 1 EiB: far above what file systems take, and far from overflow in any sum of ours.</summary>
    public const long VolumeBytesMax = 1L << 60;

    private static readonly TimeSpan SnapshotWaitMax = TimeSpan.FromSeconds(30);

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

    /// <summary>
    /// Makes a volume, clone or snapshot in one committed transaction; writes to the source go on but for a moment. Errors: Exists
    /// (whatever the other's properties), NotFound (the source), InvalidArgument, OutOfRange (smaller than its source, or above
    /// <see cref="VolumeBytesMax"/>), NoSpace, Busy, Degraded.
    /// </summary>
    public VolumeInfo Create(VolumeSpec spec) => _worker.Invoke(() => CreateNow(spec), commits: true);

    /// <summary>Grows a volume. Errors: NotFound, InvalidArgument (a snapshot), OutOfRange (it would shrink), Degraded.</summary>
    public VolumeInfo Resize(VolumeId id, long sizeBytes)
    {
        var grown = _worker.Invoke(() => ResizeNow(id, sizeBytes), commits: true);
        // A client may count on the new size only after it is committed.
        _ = _worker.Invoke(() => Show(id), commits: false);
        return grown;
    }

    /// <summary>
    /// Sets parameters of a volume and leaves its others as they are. Writes that wait for space go by the new ones when this returns.
    /// Errors: NotFound, InvalidArgument (a snapshot, or beyond the limits of parameters), NoSpace (in the catalog), Degraded.
    /// </summary>
    public VolumeInfo Modify(VolumeId id, IReadOnlyDictionary<string, string> parameters)
    {
        var modified = _worker.Invoke(() => ModifyNow(id, parameters), commits: true);
        _ = _worker.Invoke(() => Show(id), commits: false);
        return modified;
    }

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

    private VolumeInfo CreateNow(VolumeSpec spec)
    {
        CheckNew(spec);
        var source = spec.Source is { } id ? Require(id) : null;
        var sizeBytes = CheckSize(spec, source);
        _watch.RequireRoom(spec);
        CheckMetadataRoom(spec.Name);
        var thinId = _catalog.NextThin(_state.Metadata.Exists);
        _state.HasUncommitted = true;
        if (source is null)
            _state.Metadata.CreateThin(thinId);
        else
            Snapshot(thinId, source);
        var volume = new VolumeInfo
        {
            Id = _catalog.NextId(),
            Name = spec.Name,
            Kind = spec.Kind,
            ThinId = thinId,
            SizeBytes = sizeBytes,
            Source = spec.Source,
            SourceKind = source?.Kind ?? VolumeKind.Volume,
            Parameters = new Dictionary<string, string>(spec.Parameters, StringComparer.Ordinal),
            CreatedAt = _time.GetUtcNow(),
        };
        _catalog.Put(volume);
        return volume;
    }

    /// <summary>
    /// Holds new writes to the source and waits for those in flight: what was acknowledged before is in the snapshot, what comes after is
    /// not.
    /// </summary>
    private void Snapshot(ThinId id, VolumeInfo source)
    {
        var open = _open.GetValueOrDefault(source.Id.Number);
        if (open is not null && !open.Writes.TryClose(SnapshotWaitMax, _time, _state.Driver))
            throw new PoolException(
                PoolError.Busy, $"'{source.Name}' has writes in flight that did not end within {SnapshotWaitMax.TotalSeconds} seconds.");
        try
        {
            _state.Metadata.CreateSnapshot(id, source.ThinId);
        }
        finally
        {
            open?.Writes.Open();
        }
    }

    private VolumeInfo ResizeNow(VolumeId id, long sizeBytes)
    {
        var volume = Require(id);
        if (volume.Kind == VolumeKind.Snapshot)
            throw new PoolException(PoolError.InvalidArgument, $"Snapshot '{volume.Name}' ({id}) keeps the size it was taken with.");
        CheckSize(volume.Name, sizeBytes);
        if (sizeBytes < volume.SizeBytes)
            throw new PoolException(PoolError.OutOfRange, string.Create(CultureInfo.InvariantCulture,
                $"Volume '{volume.Name}' ({id}) has {volume.SizeBytes} bytes and cannot shrink to {sizeBytes}."));
        if (sizeBytes == volume.SizeBytes)
            return volume;
        var grown = volume with { SizeBytes = sizeBytes };
        _state.HasUncommitted = true;
        _catalog.Put(grown);
        return grown;
    }

    private VolumeInfo ModifyNow(VolumeId id, IReadOnlyDictionary<string, string> parameters)
    {
        var volume = Require(id);
        if (volume.Kind == VolumeKind.Snapshot)
            throw new PoolException(PoolError.InvalidArgument, $"Snapshot '{volume.Name}' ({id}) keeps the parameters it was taken with.");
        var all = new Dictionary<string, string>(volume.Parameters, StringComparer.Ordinal);
        foreach (var (key, value) in parameters)
            all[key] = value;
        if (parameters.All(one => volume.Parameters.GetValueOrDefault(one.Key) == one.Value))
            return volume;
        _catalog.CheckSpec(new VolumeSpec { Name = volume.Name, Parameters = all });
        var modified = volume with { Parameters = all };
        _state.HasUncommitted = true;
        _catalog.Put(modified);
        return modified;
    }

    private bool Show(VolumeId id)
    {
        if (_open.TryGetValue(id.Number, out var open) && _catalog.Committed.Find(id) is { } volume)
            open.Replace(volume);
        return true;
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

    private void CheckNew(VolumeSpec spec)
    {
        _catalog.CheckSpec(spec);
        if (_catalog.Working.Find(spec.Kind, spec.Name) is { } other)
            throw new PoolException(PoolError.Exists, $"There is a {Word(spec.Kind)} '{spec.Name}' already, {other.Id}.");
    }

    private VolumeInfo Require(VolumeId id) => _catalog.Working.Find(id) ??
        throw new PoolException(PoolError.NotFound, $"Pool {Uuid:N} has no volume or snapshot {id}.");

    private static long CheckSize(VolumeSpec spec, VolumeInfo? source)
    {
        if (spec.Kind == VolumeKind.Snapshot)
            return source?.SizeBytes ?? throw new PoolException(PoolError.InvalidArgument, $"Snapshot '{spec.Name}' needs a source.");
        CheckSize(spec.Name, spec.SizeBytes);
        if (spec.SizeBytes < source?.SizeBytes)
            throw new PoolException(PoolError.OutOfRange, string.Create(CultureInfo.InvariantCulture,
                $"Volume '{spec.Name}' of {spec.SizeBytes} bytes is smaller than its source '{source.Name}' of {source.SizeBytes} bytes."));
        return spec.SizeBytes;
    }

    private static void CheckSize(string name, long sizeBytes)
    {
        if (!CatalogRules.IsSize(sizeBytes))
            throw new PoolException(PoolError.OutOfRange, string.Create(CultureInfo.InvariantCulture,
                $"'{name}' cannot have {sizeBytes} bytes: a size is a multiple of 512 from 512 to {VolumeBytesMax}."));
    }

    private static string Word(VolumeKind kind) => kind == VolumeKind.Volume ? "volume" : "snapshot";
}
