using System.Collections.Concurrent;
using CsiThin.Core.Pool;
using CsiThin.Core.Tools;
using CsiThin.Driver.Volumes;
using CsiThin.V1;
using Grpc.Core;
using Microsoft.Extensions.Hosting;

namespace CsiThin.Driver.Control;

/// <summary>
/// How long a call waits for another to let go of a pool's metadata: time enough for a tool that has just ended to be noticed.
/// </summary>
internal sealed record HoldPatience(TimeSpan Limit)
{
    /// <summary>A few seconds.</summary>
    public static HoldPatience Default { get; } = new(TimeSpan.FromSeconds(5));
}

/// <summary>
/// The engine's service for tools that look at a pool while it is served. Any number of calls at a time; the pool itself says which of them
/// exclude each other. Calls that stay open end when the client goes away or the engine stops, and let go of what they hold.
/// </summary>
internal sealed class PoolAdminService(EnginePools pools, HoldPatience patience, IHostApplicationLifetime lifetime, TimeProvider time)
    : PoolAdmin.PoolAdminBase
{
    /// <summary>Volumes in one response, so that a message stays far below gRPC's limit of 4 MiB whatever their names.</summary>
    private const int VolumesPerResponse = 4096;

    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>Who may hold a pool's metadata: one call at a time, the others wait for a moment.</summary>
    private readonly ConcurrentDictionary<Guid, SemaphoreSlim> _turns = new();

    /// <inheritdoc/>
    public override Task<ListPoolsResponse> ListPools(ListPoolsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListPoolsResponse
        {
            Pools = { pools.All.Select(named => EngineMessages.ToPool(named.Name, named.Pool.GetStatus())) },
        });

    /// <inheritdoc/>
    public override Task<V1.Pool> GetPool(GetPoolRequest request, ServerCallContext context)
    {
        var named = Find(request.PoolUuid);
        return Task.FromResult(EngineMessages.ToPool(named.Name, named.Pool.GetStatus()));
    }

    /// <inheritdoc/>
    public override async Task<GrowPoolResponse> GrowPool(GrowPoolRequest request, ServerCallContext context)
    {
        var pool = Find(request.PoolUuid).Pool;
        return new GrowPoolResponse { GainedBytes = await pool.GrowToDiskAsync(context.CancellationToken).ConfigureAwait(false) };
    }

    /// <inheritdoc/>
    public override async Task HoldMetadataSnapshot(
        HoldMetadataSnapshotRequest request, IServerStreamWriter<HoldMetadataSnapshotResponse> responses, ServerCallContext context)
    {
        var pool = Find(request.PoolUuid).Pool;
        using var ending = Ending(context);
        try
        {
            await HoldInTurnAsync(pool, responses, ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            RefuseIfStopping();
            throw;
        }

        RefuseIfStopping();
    }

    private async Task HoldInTurnAsync(
        IEnginePool pool, IServerStreamWriter<HoldMetadataSnapshotResponse> responses, CancellationToken ending)
    {
        var turn = _turns.GetOrAdd(pool.Uuid, static _ => new SemaphoreSlim(1, 1));
        if (!await turn.WaitAsync(patience.Limit, ending).ConfigureAwait(false))
            throw new PoolException(PoolError.Busy, $"another tool holds the metadata of pool {pool.Uuid:N}; try again when it is done");
        try
        {
            await HoldAsync(pool, responses, ending).ConfigureAwait(false);
        }
        finally
        {
            turn.Release();
        }
    }

    private static async Task HoldAsync(
        IEnginePool pool, IServerStreamWriter<HoldMetadataSnapshotResponse> responses, CancellationToken ending)
    {
        using (pool.HoldMetadataSnapshot())
        {
            foreach (var part in pool.ListVolumes().Chunk(VolumesPerResponse))
                await responses.WriteAsync(new HoldMetadataSnapshotResponse { Volumes = { part.Select(ToVolume) } }, ending)
                    .ConfigureAwait(false);
            await responses.WriteAsync(new HoldMetadataSnapshotResponse { Held = true }, ending).ConfigureAwait(false);
            var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using (ending.Register(over.SetResult).ConfigureAwait(false))
                await over.Task.ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override async Task Trim(TrimRequest request, IServerStreamWriter<TrimResponse> responses, ServerCallContext context)
    {
        var pool = Find(request.PoolUuid).Pool;
        using var ending = Ending(context);
        ToolProgress? latest = null;
        var gate = new Lock();
        var run = new ToolRun(Keep, ending.Token);
        var work = Task.Run(() => pool.Trim(run), CancellationToken.None);
        try
        {
            while (await Task.WhenAny(work, Task.Delay(ProgressInterval, time, ending.Token)).ConfigureAwait(false) != work)
            {
                if (Take() is { } progress)
                    await responses.WriteAsync(new TrimResponse { Progress = ToProgress(progress) }).ConfigureAwait(false);
                if (ending.IsCancellationRequested)
                    break;
            }

            var discardedBytes = await work.ConfigureAwait(false);
            await responses.WriteAsync(new TrimResponse { Result = new TrimResult { DiscardedBytes = (ulong)discardedBytes } })
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            RefuseIfStopping();
            throw;
        }
        finally
        {
            // Nothing may go on in the pool when the call is over, whatever ended it.
            await ending.CancelAsync().ConfigureAwait(false);
            await work.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)
                .ConfigureAwait(false);
        }

        void Keep(ToolProgress progress)
        {
            lock (gate)
                latest = progress;
        }

        ToolProgress? Take()
        {
            lock (gate)
            {
                var taken = latest;
                latest = null;
                return taken;
            }
        }
    }

    private NamedEnginePool Find(string uuid) => ServedPools.Find(pools, uuid);

    private CancellationTokenSource Ending(ServerCallContext context) =>
        CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);

    private void RefuseIfStopping()
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            throw new PoolException(PoolError.ShuttingDown, "the engine is stopping");
    }

    private static Volume ToVolume(VolumeInfo volume) => new()
    {
        Id = volume.Id.ToString(),
        Name = volume.Name,
        IsSnapshot = volume.Kind == VolumeKind.Snapshot,
        ThinId = volume.ThinId.Value,
    };

    private static Progress ToProgress(ToolProgress progress) =>
        new() { Phase = progress.Phase, Done = progress.Done, Total = progress.Total };
}
