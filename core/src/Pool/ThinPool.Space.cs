using System.Globalization;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Pool;

/// <summary>Space: how much there is, what is done when it runs out, and how there comes more.</summary>
public sealed partial class ThinPool
{
    /// <summary>Data blocks that are counted in one transaction of a growth: 512 bitmaps of 16320.</summary>
    private const ulong GrowthStepBlocks = 512 * 16320;

    private ITimer? _growthTimer;
    private int _isGrowthBeingChecked;

    /// <summary>The state at this moment.</summary>
    public PoolStatus GetStatus() => PoolReport.Status(
        _disk, _state.Metadata, _catalog.Committed, _state.Mode, _committer.Commits, _state.Chores.DyingBlocks) with
    {
        DataLevel = _watch.DataLevel,
        MetadataLevel = _watch.MetadataLevel,
        WaitingRequests = _state.Space.Count,
        SpaceWait = _state.Space.Waited,
        NoSpaceFailures = _state.Space.Failures,
    };

    /// <summary>
    /// Takes up what the file or device has grown by; returns the bytes of data space gained, 0 for none. Writes that wait for space go on.
    /// Metadata that is too small for the pool's new size, or nearly full, is given a part of the new space first. Data blocks that the
    /// metadata has no room to count are left for a later call, and the log says so.
    /// </summary>
    public long GrowToDisk() => _worker.Invoke(GrowNow, commits: true);

    private void WatchGrowth(TimeSpan period)
    {
        if (period > TimeSpan.Zero && _state.Mode < PoolMode.ReadOnly)
            _growthTimer = _time.CreateTimer(_ => PostGrowthCheck(), null, period, period);
    }

    private void PostGrowthCheck()
    {
        if (Interlocked.Exchange(ref _isGrowthBeingChecked, 1) == 0)
            _ = _state.Deferred.TryPost(new PoolTask<bool>(CheckGrowth)); // nothing grows any more in a pool that is closing
    }

    private bool CheckGrowth()
    {
        Volatile.Write(ref _isGrowthBeingChecked, 0);
        return _state.Mode < PoolMode.ReadOnly && (_disk.HasGrown || CanCountMore)
            && _state.Deferred.TryPost(new PoolTask<long>(GrowNow) { NeedsCommit = true });
    }

    /// <summary>The label has room that the metadata does not count, and now could.</summary>
    private bool CanCountMore => _state.Metadata.MetadataBlocks < _disk.MetadataBlocks
        || _state.Metadata.DataBlocks < Math.Min(_disk.Label.Layout.DataBlocks, _state.Metadata.CountableDataBlocks);

    /// <summary>First the metadata, which the counts of the data take room from.</summary>
    private long GrowNow()
    {
        var (dataBefore, metadataBefore) = (_state.Metadata.DataBlocks, _state.Metadata.MetadataBlocks);
        if (!_disk.TryGrow(isMetadataScarce: _watch.MetadataLevel > SpaceLevel.Ample))
        {
            if (!CanCountMore)
                return 0;
            _disk.RewriteLabel(); // it had grown in a life that ended before its metadata did
        }
        _state.HasUncommitted = true;
        _state.Metadata.GrowMetadata(_disk.MetadataBlocks);
        CountData();
        var gainedBytes = (long)(_state.Metadata.DataBlocks - dataBefore) * _state.DataBlockBytes;
        var metadataBytes = (long)(_state.Metadata.MetadataBlocks - metadataBefore) * PoolLayout.MetadataBlockBytes;
        _state.Log(string.Create(CultureInfo.InvariantCulture,
            $"The pool has grown with its disk by {gainedBytes} bytes for data and {metadataBytes} bytes for metadata."));
        return gainedBytes;
    }

    /// <summary>In steps, each committed, so that no transaction is as large as the growth.</summary>
    private void CountData()
    {
        var wanted = _disk.Label.Layout.DataBlocks;
        while (true)
        {
            var until = Math.Min(wanted, _state.Metadata.CountableDataBlocks);
            if (until <= _state.Metadata.DataBlocks)
                break;
            if (_state.Metadata.IsDirty)
                _committer.Commit();
            _state.HasUncommitted = true;
            _state.Metadata.GrowData(Math.Min(until, _state.Metadata.DataBlocks + GrowthStepBlocks));
        }
        if (_state.Metadata.DataBlocks < wanted)
            _state.Log(string.Create(CultureInfo.InvariantCulture,
                $"The disk has room for {wanted - _state.Metadata.DataBlocks} data blocks more, and the pool has no metadata left to " +
                $"count them: they are taken up when some is free. Delete snapshots or volumes that are not needed, or grow the disk " +
                $"further."));
    }

    private void CheckMetadataRoom(string name)
    {
        if (_state.Metadata.FreeMetadataBlocks == 0)
            throw new PoolException(PoolError.NoSpace, string.Create(CultureInfo.InvariantCulture,
                $"Pool {Uuid:N} has no metadata left for '{name}': all {_state.Metadata.MetadataBlocks} blocks but the " +
                $"reserve are in use."));
    }
}
