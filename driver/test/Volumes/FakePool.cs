using CsiThin.Core.Device;
using CsiThin.Core.Device.Latency;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;
using CsiThin.Core.Tools;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Tests.Volumes;

/// <summary>
/// A pool's catalog in memory, with the refusals of the real one (see <see cref="ThinPool"/>) and knobs for the states a healthy pool never
/// shows. It holds no data.
/// </summary>
internal sealed class FakePool(Guid? uuid = null) : IEnginePool
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<ulong, VolumeInfo> _volumes = [];
    private readonly Dictionary<ulong, int> _open = [];
    private ulong _nextNumber = 1;
    private ulong _transactionId = 1;

    public Guid Uuid { get; } = uuid ?? Guid.NewGuid();

    public PoolMode Mode { get; set; }

    public bool NeedsCheck { get; set; }

    public SpaceLevel DataLevel { get; set; }

    public SpaceLevel MetadataLevel { get; set; }

    public int WaitingRequests { get; set; }

    public ulong DataBlocksTotal { get; set; } = 16384;

    public ulong DataBlocksUsed { get; set; }

    /// <summary>What the disk has grown by since the pool last looked.</summary>
    public ulong GrownBlocks { get; set; }

    /// <summary>Thrown by the next change instead of carrying it out.</summary>
    public Exception? NextFailure { get; set; }

    /// <summary>Thrown while it is there, where the pool's state is asked for.</summary>
    public Exception? StatusFailure { get; set; }

    /// <summary>Called inside Create, before it takes effect.</summary>
    public Action<string>? BeforeFind { get; set; }

    public Action? BeforeCreate { get; set; }

    /// <summary>Called inside Trim, before it ends.</summary>
    public Action<ToolRun>? BeforeTrimEnds { get; set; }

    public int Creations { get; private set; }

    /// <summary>How often the mapping trees were read.</summary>
    public int OccupancyReadings { get; private set; }

    /// <summary>How often the metadata is held at this moment.</summary>
    public int Holds { get; private set; }

    public Func<VolumeId, Task>? Resized { get; set; }

    public LatencyHistogram CommitTimes { get; } = new();

    public PoolStatus GetStatus()
    {
        if (StatusFailure is { } failure)
            throw failure;
        lock (_lock)
        {
            return new PoolStatus
            {
                Uuid = Uuid,
                DevicePath = "/dev/disk/by-id/nvme-1",
                Mode = Mode,
                NeedsCheck = NeedsCheck,
                TransactionId = _transactionId,
                DataBlockBytes = 64 << 10,
                DataBlocksTotal = DataBlocksTotal,
                DataBlocksUsed = DataBlocksUsed,
                MetadataBlocksTotal = 1024,
                MetadataBlocksUsed = 10,
                Extents = [new PoolExtent(new RegionExtent(1 << 20, 4 << 20), new RegionExtent(8 << 20, (long)DataBlocksTotal << 16))],
                ProvisionedBytes = _volumes.Values.Where(volume => volume.Kind == VolumeKind.Volume).Sum(volume => volume.SizeBytes),
                Commits = _transactionId,
                DataLevel = DataLevel,
                MetadataLevel = MetadataLevel,
                MetadataBlocksReserved = 102,
                WaitingRequests = WaitingRequests,
                SpaceWait = TimeSpan.FromSeconds(1.5),
                NoSpaceFailures = 7,
            };
        }
    }

    public IReadOnlyList<VolumeInfo> ListVolumes()
    {
        lock (_lock)
            return [.. _volumes.Values];
    }

    public IReadOnlyList<VolumeUsage> ListUsage() =>
        [.. ListVolumes().Select(volume => new VolumeUsage(volume, 65536, _open.GetValueOrDefault(volume.Id.Number))
        {
            Space = new SpaceWaiting(WaitingRequests, TimeSpan.FromSeconds(0.5), 4),
        })];

    public VolumeUsage? FindVolume(VolumeId id)
    {
        lock (_lock)
            return id.Pool == Uuid && _volumes.TryGetValue(id.Number, out var volume)
                ? new VolumeUsage(volume, 0, _open.GetValueOrDefault(id.Number))
                : null;
    }

    public VolumeInfo? FindVolumeByName(VolumeKind kind, string name)
    {
        BeforeFind?.Invoke(name);
        lock (_lock)
            return _volumes.Values.FirstOrDefault(volume => volume.Kind == kind && volume.Name == name);
    }

    public VolumeInfo Create(VolumeSpec spec)
    {
        BeforeCreate?.Invoke();
        lock (_lock)
        {
            CheckWritable();
            if (FindVolumeByName(spec.Kind, spec.Name) is not null)
                throw new PoolException(PoolError.Exists, $"{spec.Kind} '{spec.Name}' exists");
            var source = spec.Source is { } id ? Known(id) : null;
            if (spec.Kind == VolumeKind.Snapshot && source is null)
                throw new PoolException(PoolError.InvalidArgument, "a snapshot has a source");
            var sizeBytes = spec.Kind == VolumeKind.Snapshot ? source!.SizeBytes : spec.SizeBytes;
            if (sizeBytes <= 0 || sizeBytes % 512 != 0 || sizeBytes < (source?.SizeBytes ?? 0))
                throw new PoolException(PoolError.OutOfRange, $"{sizeBytes} bytes is no size for '{spec.Name}'");
            Creations++;
            return Add(spec, source, sizeBytes);
        }
    }

    public void Delete(VolumeId id)
    {
        lock (_lock)
        {
            CheckWritable();
            Known(id);
            if (_open.GetValueOrDefault(id.Number) > 0)
                throw new PoolException(PoolError.Busy, $"{id} is open by a client");
            _volumes.Remove(id.Number);
            _transactionId++;
        }
    }

    public VolumeInfo Resize(VolumeId id, long sizeBytes)
    {
        lock (_lock)
        {
            CheckWritable();
            if (Known(id).SizeBytes > sizeBytes)
                throw new PoolException(PoolError.OutOfRange, $"{id} would shrink to {sizeBytes} bytes");
            _transactionId++;
            return _volumes[id.Number] = _volumes[id.Number] with { SizeBytes = sizeBytes };
        }
    }

    public VolumeInfo Modify(VolumeId id, IReadOnlyDictionary<string, string> parameters)
    {
        lock (_lock)
        {
            CheckWritable();
            var volume = Known(id);
            var all = volume.Parameters.Where(one => !parameters.ContainsKey(one.Key)).Concat(parameters);
            _transactionId++;
            return _volumes[id.Number] = volume with { Parameters = all.ToDictionary() };
        }
    }

    public long GrowToDisk()
    {
        lock (_lock)
        {
            CheckWritable();
            var gained = GrownBlocks;
            DataBlocksTotal += gained;
            GrownBlocks = 0;
            return (long)gained << 16;
        }
    }

    public IBlockDevice OpenDevice(VolumeId id, bool readOnly)
    {
        lock (_lock)
        {
            var volume = Known(id);
            _open[id.Number] = _open.GetValueOrDefault(id.Number) + 1;
            return new OpenFake(volume.SizeBytes, readOnly || volume.Kind == VolumeKind.Snapshot, () => _open[id.Number]--);
        }
    }

    public Task<PoolStatus> GetStatusAsync(CancellationToken cancellation) => Invoke(GetStatus);

    public Task<IReadOnlyList<VolumeInfo>> ListVolumesAsync(ulong afterNumber, int entriesMax, CancellationToken cancellation) =>
        Invoke<IReadOnlyList<VolumeInfo>>(
            () => [.. ListVolumes().Where(volume => volume.Id.Number > afterNumber).Take(entriesMax)]);

    public Task<IReadOnlyList<VolumeUsage>> ListUsageAsync(CancellationToken cancellation) => Invoke(ListUsage);

    public Task<VolumeUsage?> FindVolumeAsync(VolumeId id, CancellationToken cancellation) => Invoke(() => FindVolume(id));

    public Task<VolumeInfo?> FindVolumeByNameAsync(VolumeKind kind, string name, CancellationToken cancellation) =>
        Invoke(() => FindVolumeByName(kind, name));

    public Task<VolumeInfo> CreateAsync(VolumeSpec spec, CancellationToken cancellation) => Invoke(() => Create(spec));

    public Task DeleteAsync(VolumeId id, CancellationToken cancellation) => Task.Run(() => Delete(id), CancellationToken.None);

    public Task<VolumeInfo> ResizeAsync(VolumeId id, long sizeBytes, CancellationToken cancellation) =>
        Invoke(() => Resize(id, sizeBytes));

    public Task<VolumeInfo> ModifyAsync(VolumeId id, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellation) =>
        Invoke(() => Modify(id, parameters));

    public Task<long> GrowToDiskAsync(CancellationToken cancellation) => Invoke(GrowToDisk);

    private static Task<T> Invoke<T>(Func<T> verb) => Task.Run(verb, CancellationToken.None);

    private VolumeInfo Add(VolumeSpec spec, VolumeInfo? source, long sizeBytes)
    {
        var number = _nextNumber++;
        _transactionId++;
        return _volumes[number] = new VolumeInfo
        {
            Id = new VolumeId(Uuid, number),
            Name = spec.Name,
            Kind = spec.Kind,
            ThinId = new ThinId((uint)number),
            SizeBytes = sizeBytes,
            Source = spec.Source,
            SourceKind = source?.Kind ?? VolumeKind.Volume,
            Parameters = new Dictionary<string, string>(spec.Parameters),
            CreatedAt = DateTimeOffset.UnixEpoch.AddSeconds(number),
        };
    }

    public IDisposable HoldMetadataSnapshot()
    {
        lock (_lock)
        {
            if (Holds > 0)
                throw new PoolException(PoolError.Busy, "a metadata snapshot is held already");
            Holds++;
        }

        return new Hold(this);
    }

    public PoolOccupancy ReadOccupancy(CancellationToken cancellation)
    {
        OccupancyReadings++;
        lock (_lock)
            return new PoolOccupancy(64 << 10, [.. _volumes.Values.Select(volume => new DeviceOccupancy(volume.ThinId, 5, 2, 0, 0, 0))]);
    }

    public long Trim(ToolRun run)
    {
        run.Report("discarding", 1, 2);
        BeforeTrimEnds?.Invoke(run);
        return 1 << 20;
    }

    private VolumeInfo Known(VolumeId id) => id.Pool == Uuid && _volumes.TryGetValue(id.Number, out var volume)
        ? volume
        : throw new PoolException(PoolError.NotFound, $"{id} does not exist");

    private void CheckWritable()
    {
        if (NextFailure is { } failure)
        {
            NextFailure = null;
            throw failure;
        }

        if (Mode >= PoolMode.ReadOnly)
            throw new PoolException(PoolError.Degraded, $"pool {Uuid:N} is read-only");
    }

    private sealed class Hold(FakePool pool) : IDisposable
    {
        public void Dispose()
        {
            lock (pool._lock)
                pool.Holds--;
        }
    }

    private sealed class OpenFake(long lengthBytes, bool readOnly, Action closed) : IBlockDevice
    {
        public long LengthBytes => lengthBytes;

        public bool IsReadOnly => readOnly;

        public int PreferredBytes => 4096;

        public IBlockQueue OpenQueue() => throw new NotSupportedException("this pool holds no data");

        public void Dispose() => closed();
    }
}
