using CsiThin.Core.Device;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Pool;

/// <summary>
/// The one thread that changes a pool. It takes all that waits, serves it in order, and commits once for everything of the batch that must
/// be durable: that is the group commit. While it commits, the next batch gathers.
/// <para>
/// This is where the pool's errors are classified: a data block that cannot be read or written costs its request; metadata that cannot be
/// changed costs the pool its writability (<see cref="Committer.Fail"/>); a refusal (<see cref="PoolException"/>) goes to its caller.
/// </para>
/// <para>
/// After each batch one <see cref="PoolChore"/> gets a step: whoever flushes waits for one step at most, however large the chore. A write
/// that finds the pool full while a chore frees space is kept until there is some, or no such chore is left.
/// </para>
/// </summary>
internal sealed class PoolWorker : IDisposable
{
    /// <summary>
    /// What was acknowledged without a flush is durable after this long all the same, and a transaction cannot grow for ever
    /// (drivers/md/dm-thin.c, <c>COMMIT_PERIOD</c>).
    /// </summary>
    private static readonly TimeSpan CommitPeriod = TimeSpan.FromSeconds(1);

    private readonly PoolState _pool;
    private readonly TimeProvider _time;
    private readonly Committer _committer;
    private readonly Provisioner _provisioner;
    private readonly Thread? _thread;
    private readonly List<BlockRequest> _requestsToCommit = [];
    private readonly List<PoolTask> _tasksToCommit = [];
    private List<PoolTask> _tasks = [];
    private List<BlockRequest> _starved = [];
    private List<BlockRequest> _retried = [];
    private long _lastCommit;

    public PoolWorker(PoolState pool, Committer committer, TimeProvider time, string name)
    {
        _pool = pool;
        _time = time;
        _committer = committer;
        _provisioner = new Provisioner(pool, committer);
        _lastCommit = time.GetTimestamp();
        if (pool.Driver is { } driver)
        {
            driver.Attach(() => TryTurn(TimeSpan.Zero));
            return;
        }
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Runs a verb on the worker and waits for it; with <paramref name="commits"/>, for its commit too.</summary>
    public T Invoke<T>(Func<T> body, bool commits)
    {
        var task = new PoolTask<T>(body) { NeedsCommit = commits };
        if (!_pool.Deferred.TryPost(task))
            throw new PoolException(PoolError.ShuttingDown, "The pool is being closed.");
        _pool.Driver?.Await(() => task.IsDone);
        return task.Result();
    }

    /// <summary>Finishes what was accepted and ends the thread. Does not commit.</summary>
    public void Dispose()
    {
        _pool.Deferred.Close();
        if (_thread is null)
            Run();
        else if (_thread.IsAlive)
            _thread.Join();
        _provisioner.Dispose();
    }

    private void Run()
    {
        while (TryTurn(Patience()))
        {
        }
        GiveUpRequests();
    }

    /// <summary>Serves what waits, after waiting for it if need be; false when the pool is closing and nothing is left.</summary>
    private bool TryTurn(TimeSpan patience)
    {
        if (!_pool.Deferred.Take(patience, out var requests, ref _tasks))
            return false;
        var commits = _committer.Commits;
        foreach (var task in _tasks)
            RunTask(task);
        while (requests is not null)
        {
            var request = requests;
            requests = request.Next;
            Serve(request);
        }
        CommitGroup();
        RunChore();
        if (_pool.HasUncommitted && _time.GetElapsedTime(_lastCommit) >= CommitPeriod && _pool.Mode < PoolMode.ReadOnly)
            _ = TryCommit(); // it says so itself when it fails, and the pool has degraded then
        if (_committer.Commits != commits || !_pool.HasUncommitted)
            _lastCommit = _time.GetTimestamp();
        return true;
    }

    /// <summary>How long there is nothing to do unless somebody asks.</summary>
    private TimeSpan Patience() =>
        !_pool.Chores.IsEmpty ? TimeSpan.Zero : _pool.HasUncommitted ? CommitPeriod : Timeout.InfiniteTimeSpan;

    private void RunTask(PoolTask task)
    {
        try
        {
            if (task.NeedsCommit && _pool.Mode >= PoolMode.ReadOnly)
                throw PoolErrors.Degraded();
            task.Run();
            if (task.NeedsCommit)
                _tasksToCommit.Add(task);
            else
                task.Complete(null);
        }
        catch (PoolException e)
        {
            task.Complete(e);
        }
        catch (Exception e) when (e is DiskException or MetadataException)
        {
            if (task.NeedsCommit)
                _committer.Fail(e);
            task.Complete(PoolErrors.Translate(e));
        }
    }

    private void Serve(BlockRequest request)
    {
        var isLong = request.Phase != ThinVolumeQueue.PhaseCommit
            && request.Operation is BlockOperation.Discard or BlockOperation.WriteZeroes;
        Serve(request, isLong ? new RangeChore(_pool, _provisioner, VolumeOf(request), request) : null);
    }

    private void Serve(BlockRequest request, RangeChore? chore)
    {
        try
        {
            if (_pool.Mode >= PoolMode.ReadOnly && request.Phase != ThinVolumeQueue.PhaseCommit
                && request.Operation is BlockOperation.Write or BlockOperation.Discard or BlockOperation.WriteZeroes)
                request.Error = BlockError.Io;
            else if (chore is null)
                request.Error = request.Phase == ThinVolumeQueue.PhaseCommit ? BlockError.None : Serve(request, VolumeOf(request));
            else if (!chore.Step())
            {
                _pool.Chores.Add(chore);
                return;
            }
        }
        catch (DataBlockException e)
        {
            _pool.Log(e.Message);
            request.Error = e.Error;
        }
        catch (PoolException e)
        {
            _pool.Log(e.Message);
            request.Error = BlockError.Io;
        }
        catch (Exception e) when (e is DiskException or MetadataException)
        {
            Blame(request, e);
        }
        Finish(request);
    }

    private void Finish(BlockRequest request)
    {
        if (request.Error == BlockError.NoSpace && _pool.Chores.FreesSpace)
        {
            _starved.Add(request);
            return;
        }
        var needsCommit = request.Operation == BlockOperation.Flush || (request.Flags & BlockFlags.ForceUnitAccess) != 0;
        if (needsCommit && request.Error == BlockError.None)
            _requestsToCommit.Add(request);
        else
            request.Owner!.TakeBack(request);
    }

    private static VolumeState VolumeOf(BlockRequest request) => ((ThinVolumeQueue)request.Owner!).Volume;

    private BlockError Serve(BlockRequest request, VolumeState volume)
    {
        switch (request.Operation)
        {
            case BlockOperation.Read:
                _provisioner.Read(volume, request.OffsetBytes, AlignedBuffer.View(request.Address, request.LengthBytes));
                return BlockError.None;
            case BlockOperation.Write:
                return _provisioner.Write(volume, request.OffsetBytes, request.LengthBytes, request.Address);
            case BlockOperation.Status:
                _provisioner.ReadExtents(volume, request);
                return BlockError.None;
            case BlockOperation.Prefetch:
                _provisioner.Prefetch(volume, request.OffsetBytes, request.LengthBytes);
                return BlockError.None;
            case BlockOperation.Flush:
                return BlockError.None;
            default:
                return BlockError.Invalid;
        }
    }

    /// <summary>
    /// One step of the chore whose turn it is, and what follows from it: a commit when there is much to commit or space to gain, and
    /// another try for those who wait for space.
    /// </summary>
    private void RunChore()
    {
        if (!_pool.Chores.TryTake(out var chore))
            return;
        var isOver = false;
        if (chore is RangeChore range)
            Serve(range.Request, range);
        else
            isOver = StepAlone(chore);
        if ((isOver || _starved.Count > 0 || _pool.Metadata.DirtyBlocks >= PoolChore.DirtyBlocksMax) && _pool.Mode < PoolMode.ReadOnly)
            _ = TryCommit(); // it says so itself when it fails, and the pool has degraded then
        RetryStarved();
        CommitGroup();
    }

    private bool StepAlone(PoolChore chore)
    {
        if (_pool.Mode >= PoolMode.ReadOnly)
            return true; // goes on when the pool is reopened
        try
        {
            if (chore.Step())
                return true;
            _pool.Chores.Add(chore);
        }
        catch (Exception e) when (e is DiskException or MetadataException)
        {
            _committer.Fail(e);
        }
        return false;
    }

    private void RetryStarved()
    {
        if (_starved.Count == 0)
            return;
        (_retried, _starved) = (_starved, _retried);
        foreach (var request in _retried)
            Serve(request);
        _retried.Clear();
    }

    /// <summary>
    /// The pool is closing: what is not done by now is not done any more. A dying device goes on when the pool is reopened.
    /// </summary>
    private void GiveUpRequests()
    {
        while (_pool.Chores.TryTake(out var chore))
        {
            if (chore is RangeChore { Request: var request })
                _starved.Add(request);
        }
        foreach (var request in _starved)
        {
            request.Error = BlockError.ShuttingDown;
            request.Owner!.TakeBack(request);
        }
        _starved.Clear();
    }

    private void Blame(BlockRequest request, Exception failure)
    {
        if (request.Operation is BlockOperation.Read or BlockOperation.Status or BlockOperation.Prefetch)
            _pool.Log($"A read of the metadata failed: {failure.Message}");
        else
            _committer.Fail(failure);
        request.Error = BlockError.Io;
    }

    private void CommitGroup()
    {
        if (_requestsToCommit.Count == 0 && _tasksToCommit.Count == 0)
            return;
        var failure = TryCommit();
        foreach (var task in _tasksToCommit)
            task.Complete(failure);
        foreach (var request in _requestsToCommit)
        {
            request.Error = failure is null ? BlockError.None : BlockError.Io;
            request.Owner!.TakeBack(request);
        }
        _tasksToCommit.Clear();
        _requestsToCommit.Clear();
    }

    private PoolException? TryCommit()
    {
        try
        {
            _committer.Commit();
            return null;
        }
        catch (PoolException e)
        {
            _pool.Log(e.Message);
            return e;
        }
    }
}
