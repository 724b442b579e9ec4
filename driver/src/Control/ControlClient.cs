using CsiThin.Core.Format;
using CsiThin.Core.Tools;
using CsiThin.Driver.Calls;
using CsiThin.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace CsiThin.Driver.Control;

/// <summary>
/// The engine's API from the caller's side. Connects when first called; <see cref="RpcException"/> with
/// <see cref="StatusCode.Unavailable"/> where no engine listens, <see cref="StatusCode.NotFound"/> where it does not serve the pool.
/// </summary>
internal sealed class ControlClient : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly PoolAdmin.PoolAdminClient _admin;

    /// <summary>The engine that listens on <paramref name="socketPath"/>.</summary>
    public ControlClient(string socketPath)
    {
        _channel = UnixChannel.Open(socketPath);
        _admin = new PoolAdmin.PoolAdminClient(_channel);
    }

    /// <summary>How the pool does.</summary>
    public async Task<V1.Pool> GetPoolAsync(Guid uuid, CancellationToken cancellation) =>
        await _admin.GetPoolAsync(new GetPoolRequest { PoolUuid = uuid.ToString("N") }, cancellationToken: cancellation);

    /// <summary>Holds the pool's metadata as it is now until the result is disposed.</summary>
    public async Task<HeldMetadata> HoldMetadataSnapshotAsync(Guid uuid, CancellationToken cancellation)
    {
        var call = _admin.HoldMetadataSnapshot(
            new HoldMetadataSnapshotRequest { PoolUuid = uuid.ToString("N") }, cancellationToken: CancellationToken.None);
        try
        {
            var names = new Dictionary<ThinId, Volume>();
            while (await call.ResponseStream.MoveNext(cancellation).ConfigureAwait(false))
            {
                foreach (var volume in call.ResponseStream.Current.Volumes)
                    names[new ThinId(volume.ThinId)] = volume;
                if (call.ResponseStream.Current.Held)
                    return new HeldMetadata(call, names);
            }

            throw new RpcException(new Status(StatusCode.Internal, "the engine ended the call before it held the metadata"));
        }
        catch
        {
            call.Dispose();
            throw;
        }
    }

    /// <summary>Discards free data space; returns how many bytes.</summary>
    public async Task<ulong> TrimAsync(Guid uuid, ToolRun run)
    {
        using var call = _admin.Trim(new TrimRequest { PoolUuid = uuid.ToString("N") }, cancellationToken: run.Cancellation);
        while (await call.ResponseStream.MoveNext(run.Cancellation).ConfigureAwait(false))
        {
            var response = call.ResponseStream.Current;
            if (response.Result is { } result)
                return result.DiscardedBytes;
            if (response.Progress is { } progress)
                run.Report(progress.Phase, progress.Done, progress.Total);
        }

        throw new RpcException(new Status(StatusCode.Internal, "the engine ended the call without a result"));
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();
}
