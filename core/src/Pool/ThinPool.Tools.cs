using System.Globalization;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Chores;
using CsiThin.Core.Tools;

namespace CsiThin.Core.Pool;

/// <summary>What tools need of a pool that is in use: a held moment, trim, and devices that somebody else made.</summary>
public sealed partial class ThinPool
{
    /// <summary>Free ranges below this are not worth a discard of their own.</summary>
    public const long TrimRangeBytesMin = 256 << 10;

    /// <summary>
    /// Holds the metadata as it is now for tools, while the pool lives on. Errors: Busy when a hold is not disposed yet, Degraded.
    /// </summary>
    public MetadataHold HoldMetadataSnapshot() =>
        new(this, _disk.Metadata, _worker.Invoke(HoldNow, commits: true));

    /// <summary>
    /// Discards the free data space, so that the disk or file below takes it back; returns the bytes discarded. Others go on meanwhile.
    /// Ranges below <paramref name="rangeBytesMin"/> are left alone. Errors: Busy when it is under way already, Unsupported when the disk
    /// cannot discard, Io, Degraded; <see cref="OperationCanceledException"/> when <paramref name="run"/> was stopped.
    /// </summary>
    public long Trim(ToolRun run, long rangeBytesMin = TrimRangeBytesMin)
    {
        ArgumentNullException.ThrowIfNull(run);
        return _trimmer.Run(run, rangeBytesMin);
    }

    /// <summary>Thin devices of the metadata that are no volume: made by the kernel or another tool. By id.</summary>
    public IReadOnlyList<ThinDeviceInfo> ListForeign() => _worker.Invoke(
        () => _state.Metadata.ListThins().Where(thin => !_catalog.Working.ThinIds.Contains(thin.Id)).ToList(), commits: false);

    /// <summary>
    /// Makes a foreign thin device a volume or snapshot of that name. Its size, unless given, ends with its highest mapped block. Errors:
    /// NotFound (no such device, or it is a volume's), Exists (the name), InvalidArgument (nothing is mapped and no size given), OutOfRange
    /// (a size that would cut off mapped blocks, or none a volume can have), NoSpace (of the catalog), Degraded.
    /// </summary>
    public VolumeInfo Adopt(ThinId id, string name, VolumeKind kind, long? sizeBytes = null) =>
        _worker.Invoke(() => AdoptNow(id, new VolumeSpec { Name = name, Kind = kind }, sizeBytes), commits: true);

    /// <summary>For <see cref="MetadataHold"/>: what cannot be let go now is when the pool is next opened.</summary>
    internal void ReleaseHold()
    {
        try
        {
            _ = _worker.Invoke(ReleaseHoldNow, commits: true);
        }
        catch (PoolException e) when (e.Error == PoolError.ShuttingDown)
        {
            // The pool went first.
        }
        catch (PoolException e)
        {
            _state.Log($"The metadata snapshot stays held until the pool is reopened: {e.Message}");
        }
    }

    private ulong HoldNow()
    {
        if (_state.Metadata.GetMetadataSnapshot() is { } held)
            throw new PoolException(PoolError.Busy, $"Pool {Uuid:N} holds a metadata snapshot already, at metadata block {held}.");
        CheckMetadataRoom("a metadata snapshot");
        // The metadata commits before it copies its superblock, and must not do so without the catalog.
        _committer.Commit();
        _state.HasUncommitted = true;
        _state.Metadata.ReserveMetadataSnapshot();
        return _state.Metadata.TransactionId;
    }

    private bool ReleaseHoldNow()
    {
        if (_state.Metadata.GetMetadataSnapshot() is null)
            return false;
        _state.HasUncommitted = true;
        // What was deleted and overwritten meanwhile is freed now, and may be too much for one turn.
        foreach (var device in _state.Metadata.DetachHeld(() => _catalog.NextThin(_state.Metadata.Exists), PoolChore.StepLeavesMax))
        {
            var number = _catalog.NextId().Number;
            _catalog.PutDying(number, device);
            AddDying(number, device);
        }
        _state.Metadata.ReleaseMetadataSnapshot();
        return true;
    }

    private VolumeInfo AdoptNow(ThinId id, VolumeSpec spec, long? sizeBytes)
    {
        CheckNew(spec);
        if (_catalog.Working.ThinIds.Contains(id) || !_state.Metadata.Exists(id))
            throw new PoolException(PoolError.NotFound, $"Pool {Uuid:N} has no thin device {id} that is not a volume's.");
        var volume = new VolumeInfo
        {
            Id = _catalog.NextId(),
            Name = spec.Name,
            Kind = spec.Kind,
            ThinId = id,
            SizeBytes = AdoptedBytes(id, spec.Name, sizeBytes),
            Parameters = spec.Parameters,
            CreatedAt = _time.GetUtcNow(),
        };
        _state.HasUncommitted = true;
        _catalog.Put(volume);
        return volume;
    }

    private long AdoptedBytes(ThinId id, string name, long? sizeBytes)
    {
        using var device = _state.Metadata.OpenThin(id);
        var isMapped = _state.Metadata.FindHighestMapped(device, out var highest);
        if (isMapped && highest.Value >= (ulong)(VolumeBytesMax / _state.DataBlockBytes))
            throw new PoolException(PoolError.OutOfRange, string.Create(CultureInfo.InvariantCulture,
                $"Thin device {id} has block {highest} mapped; a volume ends at {VolumeBytesMax} bytes, before it."));
        var lastStart = isMapped ? (long)highest.Value * _state.DataBlockBytes : -1;
        if (sizeBytes is null && !isMapped)
            throw new PoolException(PoolError.InvalidArgument, $"Thin device {id} has nothing mapped: '{name}' needs a size.");
        var size = sizeBytes ?? lastStart + _state.DataBlockBytes;
        CheckSize(name, size);
        return size > lastStart ? size : throw new PoolException(PoolError.OutOfRange, string.Create(CultureInfo.InvariantCulture,
            $"'{name}' of {size} bytes would cut thin device {id} off before its block at {lastStart}."));
    }
}
