using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>Thin devices: made, snapshotted, deleted, listed, opened.</summary>
public sealed partial class ThinMetadata
{
    /// <summary>Makes an empty thin device.</summary>
    /// <exception cref="MetadataException">Exists; Invalid for an id above 2^24-1.</exception>
    public void CreateThin(ThinId id)
    {
        RequireNew(id);
        using var mutation = new Mutation(this);
        var root = _state.Mappings.AddEmpty(id);
        _devices.Add(id, new DeviceDetails(0, _state.TransactionId, _state.Time, _state.Time), root);
        mutation.Complete();
    }

    /// <summary>
    /// Makes a thin device with all the mappings of another, whatever their number at the cost of one reference. The pool's time rises,
    /// which makes every present mapping of both shared; the next write to one of them breaks sharing. Nothing may be writing to the
    /// origin meanwhile.
    /// </summary>
    /// <exception cref="MetadataException">Exists, NotFound, or Invalid.</exception>
    public void CreateSnapshot(ThinId id, ThinId origin)
    {
        RequireNew(id);
        if (!_devices.TryGet(origin, _state.Mappings, out var source))
            throw NoSuchDevice(origin);
        if (_state.Time >= BlockTime.MaxTime)
            throw new MetadataException(MetadataError.Invalid,
                $"the pool has taken all the {BlockTime.MaxTime} snapshots its times can tell apart");
        using var mutation = new Mutation(this);
        _state.Mappings.AddShared(id, source.Root);
        _state.Time++;
        _devices.Add(id, new DeviceDetails(source.MappedBlocks, _state.TransactionId, _state.Time, _state.Time), source.Root);
        using (_gate.Write())
            source.SnapshottedTime = _state.Time;
        source.IsChanged = true;
        mutation.Complete();
    }

    /// <summary>Deletes a thin device; data blocks that no other device maps are free after the next commit.</summary>
    /// <exception cref="MetadataException">NotFound; Busy while it is open.</exception>
    public void DeleteThin(ThinId id)
    {
        _ = RequireClosed(id);
        using var mutation = new Mutation(this);
        _devices.Delete(id);
        _state.Mappings.Delete(id);
        mutation.Complete();
    }

    /// <summary>
    /// Deletes a thin device in bounded steps: takes up to <paramref name="leavesMax"/> leaves (252 mappings or fewer each) out of it, from
    /// <paramref name="cursor"/> on, which starts at block 0 and is the caller's to keep; any other value only costs time. True when the
    /// device is gone. In between it is a sound device with fewer mappings, to be opened or snapshotted by nobody who wants its content.
    /// What other devices share is not walked through, so that deleting a snapshot nobody has written to is one step.
    /// </summary>
    /// <exception cref="MetadataException">NotFound; Busy while it is open.</exception>
    public bool DeleteThinSome(ThinId id, ref VirtualBlock cursor, int leavesMax)
    {
        var device = RequireClosed(id);
        using var mutation = new Mutation(this);
        var begin = cursor.Value;
        var dropped = _state.Mappings.DropLeaves(device, ref begin, leavesMax, out var isDone);
        cursor = new VirtualBlock(begin);
        device.MappedBlocks -= Math.Min(device.MappedBlocks, dropped);
        device.IsChanged = true;
        if (isDone)
        {
            _devices.Delete(id);
            _state.Mappings.Delete(id);
        }
        mutation.Complete();
        return isDone;
    }

    /// <summary>Whether there is a thin device of that id, open or not. May read the details tree.</summary>
    public bool Exists(ThinId id)
    {
        RequireNotFailed();
        return _devices.Exists(id);
    }

    /// <summary>The details of one thin device with the changes of this transaction, or null. May read the details tree.</summary>
    public ThinDeviceInfo? FindThin(ThinId id)
    {
        RequireNotFailed();
        return _devices.Find(id);
    }

    /// <summary>Every thin device, by id, with the changes of this transaction. Reads the details tree.</summary>
    public IReadOnlyList<ThinDeviceInfo> ListThins()
    {
        RequireNotFailed();
        _cache.Trim();
        return _devices.List();
    }

    /// <summary>Opens a thin device; it may be open already.</summary>
    /// <exception cref="MetadataException">NotFound.</exception>
    public ThinDevice OpenThin(ThinId id)
    {
        RequireNotFailed();
        _cache.Trim();
        return _devices.TryGet(id, _state.Mappings, out var device) ? new ThinDevice(device) : throw NoSuchDevice(id);
    }

    private static MetadataException NoSuchDevice(ThinId id) => new(MetadataError.NotFound, $"there is no thin device {id}");

    private DeviceState RequireClosed(ThinId id)
    {
        RequireWritable();
        if (!_devices.TryGet(id, _state.Mappings, out var device))
            throw NoSuchDevice(id);
        return !device.IsOpen ? device : throw new MetadataException(MetadataError.Busy, $"thin device {id} is open");
    }

    private void RequireNew(ThinId id)
    {
        RequireWritable();
        if (id.Value > ThinId.MaxValue)
            throw new MetadataException(MetadataError.Invalid, $"thin id {id}: at most {ThinId.MaxValue} is possible");
        if (_devices.Exists(id))
            throw new MetadataException(MetadataError.Exists, $"thin device {id} exists already");
    }
}
