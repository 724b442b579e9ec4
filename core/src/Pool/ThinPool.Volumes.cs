using System.Globalization;
using CsiThin.Core.Format;
using CsiThin.Core.Pool.Catalogs;

namespace CsiThin.Core.Pool;

/// <summary>Volumes and snapshots: how they are made, grown and changed, each in one committed transaction.</summary>
public sealed partial class ThinPool
{
    /// <summary>The largest virtual size, 1 EiB: far above what file systems take, and far from overflow in any sum of ours.</summary>
    public const long VolumeBytesMax = 1L << 60;

    private static readonly TimeSpan SnapshotWaitMax = TimeSpan.FromSeconds(30);

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

    private void CheckNew(VolumeSpec spec)
    {
        _catalog.CheckSpec(spec);
        if (_catalog.Working.Find(spec.Kind, spec.Name) is { } other)
            throw new PoolException(PoolError.Exists, $"There is a {Word(spec.Kind)} '{spec.Name}' already, {other.Id}.");
    }

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
