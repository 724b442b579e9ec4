using System.Globalization;

namespace CsiThin.Core.Pool;

/// <summary>Space: how much there is, what is done when it runs out, and how there comes more.</summary>
public sealed partial class ThinPool
{
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
        return _state.Mode < PoolMode.ReadOnly && _disk.HasGrown
            && _state.Deferred.TryPost(new PoolTask<long>(GrowNow) { NeedsCommit = true });
    }

    private long GrowNow()
    {
        var before = _state.Metadata.DataBlocks;
        _ = _disk.TryGrow(); // the label may have grown in a life that ended before its metadata did
        if (_disk.Label.Layout.DataBlocks <= before)
            return 0;
        _state.HasUncommitted = true;
        _state.Metadata.GrowData(_disk.Label.Layout.DataBlocks);
        var gainedBytes = (long)(_state.Metadata.DataBlocks - before) * _state.DataBlockBytes;
        _state.Log(string.Create(CultureInfo.InvariantCulture, $"The pool has grown with its disk by {gainedBytes} bytes for data."));
        return gainedBytes;
    }

    private void CheckMetadataRoom(string name)
    {
        if (_state.Metadata.FreeMetadataBlocks == 0)
            throw new PoolException(PoolError.NoSpace, string.Create(CultureInfo.InvariantCulture,
                $"Pool {Uuid:N} has no metadata left for '{name}': all {_state.Metadata.MetadataBlocks} blocks but the " +
                $"reserve are in use."));
    }
}
