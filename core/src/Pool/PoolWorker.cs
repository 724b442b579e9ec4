using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Chores;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Pool;

/// <summary>
/// The one thread that changes a pool. It takes all that waits, serves it in order, and commits once for everything of the batch that must
/// be durable: that is the group commit. While it commits, the next batch gathers.
/// <para>
/// The errors of verbs are classified here, those of requests in <see cref="RequestServer"/>: metadata that cannot be changed costs the
/// pool its writability (<see cref="Committer.Fail"/>); a refusal (<see cref="PoolException"/>) goes to its caller.
/// </para>
/// <para>
/// After each batch one <see cref="PoolChore"/> gets a step: whoever flushes waits for one step at most, however large the chore. Then
/// those have their turn who wait for space (<see cref="SpaceQueue"/>); while there is none for them, nothing is done for them.
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
    private readonly RequestServer _server;
    private readonly Thread? _thread;
    private readonly List<BlockRequest> _requestsToCommit = [];
    private readonly List<PoolTask> _tasksToCommit = [];
    private List<PoolTask> _tasks = [];
    private long _lastCommit;

    public PoolWorker(PoolState pool, Committer committer, TimeProvider time, string name)
    {
        _pool = pool;
        _time = time;
        _committer = committer;
        _server = new RequestServer(pool, committer);
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
        _server.Dispose();
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
        Relieve();
        CommitGroup();
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

    private void Serve(BlockRequest request) => Settle(request, _server.Serve(request));

    private void Settle(BlockRequest request, Served outcome)
    {
        if (outcome == Served.Done || (outcome == Served.NoSpace && !_pool.Space.TryAdd(request)))
            Answer(request);
    }

    private void Answer(BlockRequest request)
    {
        _pool.Space.Leave(request);
        var needsCommit = request.Operation == BlockOperation.Flush || (request.Flags & BlockFlags.ForceUnitAccess) != 0;
        if (needsCommit && request.Error == BlockError.None)
            _requestsToCommit.Add(request);
        else
            request.Owner!.TakeBack(request);
    }

    /// <summary>One step of the chore whose turn it is, and a commit when there is much to commit or the chore is over.</summary>
    private void RunChore()
    {
        if (!_pool.Chores.TryTake(out var chore))
            return;
        var isOver = false;
        if (chore is RangeChore range)
            Settle(range.Request, _server.Serve(range.Request, range));
        else
            isOver = StepAlone(chore);
        if ((isOver || _pool.Metadata.DirtyBlocks >= _pool.DirtyBlocksMax) && _pool.Mode < PoolMode.ReadOnly)
            _ = TryCommit(); // it says so itself when it fails, and the pool has degraded then
    }

    /// <summary>
    /// Lets those go on who wait for space, if there is some. What was freed can be given out after a commit only, so there is one while
    /// anybody waits and anything has changed.
    /// </summary>
    private void Relieve()
    {
        if (!_pool.Space.IsEmpty && _pool.Metadata.IsDirty && _pool.Mode < PoolMode.ReadOnly)
            _ = TryCommit(); // it says so itself when it fails, and the pool has degraded then
        if (_pool.HasRoom)
            _pool.Space.SpaceGained();
        if (!_pool.Space.IsEmpty && (_pool.HasRoom || _pool.Mode >= PoolMode.ReadOnly))
            _pool.Space.Retry(TryServeWaiting);
        _pool.Space.Review();
        if (_pool.Space.IsEmpty && _pool.HasRoom)
            _pool.LeaveOutOfSpace();
    }

    private bool TryServeWaiting(BlockRequest request)
    {
        var outcome = _server.Serve(request);
        if (outcome == Served.Done)
            Answer(request);
        return outcome != Served.NoSpace;
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

    /// <summary>
    /// The pool is closing: what is not done by now is not done any more. A dying device goes on when the pool is reopened.
    /// </summary>
    private void GiveUpRequests()
    {
        while (_pool.Chores.TryTake(out var chore))
        {
            if (chore is not RangeChore { Request: var request })
                continue;
            request.Error = BlockError.ShuttingDown;
            Answer(request);
        }
        _pool.Space.EndAll(BlockError.ShuttingDown);
        _pool.Space.Dispose();
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
