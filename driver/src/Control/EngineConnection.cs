using System.Net.Sockets;
using CsiThin.Driver.Calls;
using CsiThin.Driver.Volumes;
using Grpc.Core;
using Grpc.Net.Client;

namespace CsiThin.Driver.Control;

/// <summary>How long a call to the engine may take.</summary>
/// <param name="Return">A call waits so long for an engine that is not there: it may be restarting.</param>
/// <param name="Answer">An engine that is there has so long to answer; its longest verb waits 30 s for writes in flight.</param>
internal sealed record EnginePatience(TimeSpan Return, TimeSpan Answer)
{
    /// <summary>Shorter than CSI's sidecars wait (15 s), so that they hear the reason.</summary>
    public static EnginePatience Default { get; } = new(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(2));

    /// <summary>For a person at a shell: an engine that is not there is told at once.</summary>
    public static EnginePatience None { get; } = Default with { Return = TimeSpan.Zero };
}

/// <summary>
/// Calls to the engine that listens on a socket, whichever process that is at the moment: an engine may be restarted under its clients.
/// <list type="number">
/// <item>What an engine refused comes out as the exception it threw, by <see cref="ErrorTranslation"/>.</item>
/// <item>A call that could not be delivered, because nobody listens, is tried again until <see cref="EnginePatience.Return"/> has
/// passed.</item>
/// <item>A call whose engine went away before it answered may have been carried out: it is made again only if twice is as good as once,
/// else <see cref="VolumeError.Unavailable"/> says that nobody knows.</item>
/// </list>
/// Any thread may call.
/// </summary>
internal sealed class EngineConnection : IDisposable
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(50);

    private readonly string _socketPath;
    private readonly EnginePatience _patience;
    private readonly TimeProvider _time;
    private readonly GrpcChannel _channel;

    /// <summary>Connects when first called.</summary>
    public EngineConnection(string socketPath, EnginePatience patience, TimeProvider time)
    {
        _socketPath = socketPath;
        _patience = patience;
        _time = time;
        _channel = UnixChannel.Open(socketPath);
        Pools = new V1.PoolAdmin.PoolAdminClient(_channel);
        Volumes = new V1.VolumeAdmin.VolumeAdminClient(_channel);
        Devices = new V1.DeviceAdmin.DeviceAdminClient(_channel);
    }

    /// <summary>The service for whole pools.</summary>
    public V1.PoolAdmin.PoolAdminClient Pools { get; }

    /// <summary>The service for volumes.</summary>
    public V1.VolumeAdmin.VolumeAdminClient Volumes { get; }

    /// <summary>The service for block devices.</summary>
    public V1.DeviceAdmin.DeviceAdminClient Devices { get; }

    /// <summary>Makes a call that must not be carried out twice.</summary>
    public Task<T> CallOnceAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancellation) =>
        TryAsync(options => call(options).ResponseAsync, isRepeatable: false, cancellation);

    /// <summary>Makes a call that changes nothing, or whose second time finds done what the first did.</summary>
    public Task<T> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancellation) =>
        TryAsync(options => call(options).ResponseAsync, isRepeatable: true, cancellation);

    /// <summary>The same for a call answered in parts; returns them all.</summary>
    public Task<List<T>> CallAsync<T>(Func<CallOptions, AsyncServerStreamingCall<T>> call, CancellationToken cancellation)
        where T : class =>
        TryAsync(options => ReadAllAsync(call(options), cancellation), isRepeatable: true, cancellation);

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private async Task<T> TryAsync<T>(Func<CallOptions, Task<T>> call, bool isRepeatable, CancellationToken cancellation)
    {
        var begin = _time.GetTimestamp();
        while (true)
        {
            var deadline = _time.GetUtcNow().UtcDateTime + _patience.Answer;
            try
            {
                return await call(new CallOptions(deadline: deadline, cancellationToken: cancellation)).ConfigureAwait(false);
            }
            catch (RpcException failure)
            {
                cancellation.ThrowIfCancellationRequested();
                var isWorthIt = IsUndelivered(failure) || (isRepeatable && IsInterrupted(failure));
                if (!isWorthIt || _time.GetElapsedTime(begin) >= _patience.Return)
                    throw Translate(failure);
            }

            await Task.Delay(RetryInterval, _time, cancellation).ConfigureAwait(false);
        }
    }

    private static async Task<List<T>> ReadAllAsync<T>(AsyncServerStreamingCall<T> call, CancellationToken cancellation)
        where T : class
    {
        using (call)
        {
            var parts = new List<T>();
            while (await call.ResponseStream.MoveNext(cancellation).ConfigureAwait(false))
                parts.Add(call.ResponseStream.Current);
            return parts;
        }
    }

    private static bool IsUndelivered(RpcException failure) =>
        failure.StatusCode == StatusCode.Unavailable && failure.Status.DebugException is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError, InnerException: SocketException,
        };

    // The connection broke, or the engine is closing: it said nothing of its own but that.
    private static bool IsInterrupted(RpcException failure) => ErrorTranslation.FromRpc(failure) switch
    {
        null => failure.StatusCode is StatusCode.Unavailable || (failure.StatusCode is StatusCode.Cancelled or StatusCode.Internal
            && failure.Status.DebugException is not null),
        Core.Pool.PoolException { Error: Core.Pool.PoolError.ShuttingDown } => true,
        _ => false,
    };

    private Exception Translate(RpcException failure)
    {
        if (ErrorTranslation.FromRpc(failure) is { } known)
            return known;
        if (IsUndelivered(failure))
            return Unavailable($"no engine listens on {_socketPath}; is csi-thin engine running?");
        if (IsInterrupted(failure))
            return Unavailable($"the engine on {_socketPath} went away during the call, which may have been carried out; try again");
        return failure.StatusCode switch
        {
            StatusCode.DeadlineExceeded => Unavailable(
                $"the engine on {_socketPath} did not answer within {_patience.Answer.TotalSeconds:0.#} s"),
            StatusCode.Unimplemented => new VolumeException(
                VolumeError.HostUnfit, $"the engine on {_socketPath} does not know this call: {failure.Status.Detail}"),
            _ => failure,
        };
    }

    private static VolumeException Unavailable(string message) => new(VolumeError.Unavailable, message);
}
