using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Chores;

namespace CsiThin.Core.Pool;

/// <summary>What became of a deferred request.</summary>
internal enum Served
{
    /// <summary>It is over, well or not: its error says it.</summary>
    Done,

    /// <summary>A chore goes on with it.</summary>
    Later,

    /// <summary>The pool has no space for the rest of it.</summary>
    NoSpace,
}

/// <summary>
/// Serves one deferred request, and classifies the errors of the data path: a data block that cannot be read or written costs its request;
/// metadata that cannot be changed costs the pool its writability (<see cref="Committer.Fail"/>). Belongs to the worker.
/// </summary>
internal sealed class RequestServer(PoolState pool, Committer committer) : IDisposable
{
    private readonly Provisioner _provisioner = new(pool, committer);

    public void Dispose() => _provisioner.Dispose();

    /// <summary>Serves a request from its beginning.</summary>
    public Served Serve(BlockRequest request)
    {
        var isLong = request.Phase != ThinVolumeQueue.PhaseCommit
            && request.Operation is BlockOperation.Discard or BlockOperation.WriteZeroes;
        return Serve(request, isLong ? new RangeChore(pool, _provisioner, VolumeOf(request), request) : null);
    }

    /// <summary>Serves one step of a request that was begun.</summary>
    public Served Serve(BlockRequest request, RangeChore? chore)
    {
        try
        {
            _provisioner.MayAllocate = pool.Space.MayAllocate(request);
            if (pool.Mode >= PoolMode.ReadOnly && request.Phase != ThinVolumeQueue.PhaseCommit
                && request.Operation is BlockOperation.Write or BlockOperation.Discard or BlockOperation.WriteZeroes)
                request.Error = BlockError.Io;
            else if (chore is null)
                request.Error = request.Phase == ThinVolumeQueue.PhaseCommit ? BlockError.None : Serve(request, VolumeOf(request));
            else if (!chore.Step())
            {
                pool.Chores.Add(chore);
                return Served.Later;
            }
            return request.Error == BlockError.NoSpace ? Served.NoSpace : Served.Done;
        }
        catch (DataBlockException e)
        {
            pool.Log(e.Message);
            request.Error = e.Error;
        }
        catch (PoolException e)
        {
            pool.Log(e.Message);
            request.Error = BlockError.Io;
        }
        catch (Exception e) when (e is DiskException or MetadataException)
        {
            Blame(request, e);
        }
        return Served.Done;
    }

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

    private void Blame(BlockRequest request, Exception failure)
    {
        if (request.Operation is BlockOperation.Read or BlockOperation.Status or BlockOperation.Prefetch)
            pool.Log($"A read of the metadata failed: {failure.Message}");
        else
            committer.Fail(failure);
        request.Error = BlockError.Io;
    }

    private static VolumeState VolumeOf(BlockRequest request) => ((ThinVolumeQueue)request.Owner!).Volume;
}
