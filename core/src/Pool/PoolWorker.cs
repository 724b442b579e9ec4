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
    private readonly Thread _thread;
    private readonly List<BlockRequest> _requestsToCommit = [];
    private readonly List<PoolTask> _tasksToCommit = [];
    private List<PoolTask> _tasks = [];

    public PoolWorker(PoolState pool, Committer committer, TimeProvider time, string name)
    {
        _pool = pool;
        _time = time;
        _committer = committer;
        _provisioner = new Provisioner(pool, committer);
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Runs a verb on the worker and waits for it; with <paramref name="commits"/>, for its commit too.</summary>
    public T Invoke<T>(Func<T> body, bool commits)
    {
        var task = new PoolTask<T>(body) { NeedsCommit = commits };
        if (!_pool.Deferred.TryPost(task))
            throw new PoolException(PoolError.ShuttingDown, "The pool is being closed.");
        return task.Result();
    }

    /// <summary>Finishes what was accepted and ends the thread. Does not commit.</summary>
    public void Dispose()
    {
        _pool.Deferred.Close();
        if (_thread.IsAlive)
            _thread.Join();
        _provisioner.Dispose();
    }

    private void Run()
    {
        var lastCommit = _time.GetTimestamp();
        while (_pool.Deferred.Take(_pool.HasUncommitted ? CommitPeriod : Timeout.InfiniteTimeSpan, out var requests, ref _tasks))
        {
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
            if (_pool.HasUncommitted && _time.GetElapsedTime(lastCommit) >= CommitPeriod && _pool.Mode < PoolMode.ReadOnly)
                _ = TryCommit(); // it says so itself when it fails, and the pool has degraded then
            if (_committer.Commits != commits || !_pool.HasUncommitted)
                lastCommit = _time.GetTimestamp();
        }
    }

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
        try
        {
            var volume = ((ThinVolumeQueue)request.Owner!).Volume;
            request.Error = request.Phase == ThinVolumeQueue.PhaseCommit ? BlockError.None : Serve(request, volume);
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
        var needsCommit = request.Operation == BlockOperation.Flush || (request.Flags & BlockFlags.ForceUnitAccess) != 0;
        if (needsCommit && request.Error == BlockError.None)
            _requestsToCommit.Add(request);
        else
            request.Owner!.TakeBack(request);
    }

    private BlockError Serve(BlockRequest request, VolumeState volume)
    {
        if (_pool.Mode >= PoolMode.ReadOnly
            && request.Operation is BlockOperation.Write or BlockOperation.Discard or BlockOperation.WriteZeroes)
            return BlockError.Io;
        switch (request.Operation)
        {
            case BlockOperation.Read:
                _provisioner.Read(volume, request.OffsetBytes, AlignedBuffer.View(request.Address, request.LengthBytes));
                return BlockError.None;
            case BlockOperation.Write:
                return _provisioner.Write(volume, request.OffsetBytes, request.LengthBytes, request.Address);
            case BlockOperation.WriteZeroes:
                return _provisioner.WriteZeroes(volume, request.OffsetBytes, request.LengthBytes, (request.Flags & BlockFlags.NoHole) != 0);
            case BlockOperation.Discard:
                _provisioner.Discard(volume, request.OffsetBytes, request.LengthBytes);
                return BlockError.None;
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
