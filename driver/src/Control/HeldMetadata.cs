using CsiThin.Core.Format;
using CsiThin.V1;
using Grpc.Core;

namespace CsiThin.Driver.Control;

/// <summary>
/// A metadata snapshot that a running engine holds for this process, until this is disposed or the process ends.
/// </summary>
internal sealed class HeldMetadata(
    AsyncServerStreamingCall<HoldMetadataSnapshotResponse> call, IReadOnlyDictionary<ThinId, Volume> volumes) : IDisposable
{
    /// <summary>The pool's volumes and snapshots, about as of the moment of the hold.</summary>
    public IReadOnlyDictionary<ThinId, Volume> Volumes { get; } = volumes;

    /// <summary>Ends when the engine ends the call, which says nothing more once it holds.</summary>
    public Task Ended { get; } = call.ResponseStream.MoveNext(CancellationToken.None);

    /// <summary>
    /// What was read so far may be relied on. Throws <see cref="RpcException"/> when the engine has ended the call, so that the blocks may
    /// have been used anew.
    /// </summary>
    public void EnsureHeld()
    {
        if (!Ended.IsCompleted)
            return;
        Ended.GetAwaiter().GetResult();
        throw new RpcException(new Status(StatusCode.Unavailable, "the engine let go of the metadata"));
    }

    /// <inheritdoc/>
    public void Dispose() => call.Dispose();
}
