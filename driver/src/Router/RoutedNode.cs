using System.Net.Sockets;
using Csi.V1;
using CsiThin.Driver.Volumes;
using CsiThin.V1.Node;
using Grpc.Core;

namespace CsiThin.Driver.Router;

/// <summary>
/// A node as the router sees it: its channel, the pools it last told of, and whether it can be reached.
/// <para>
/// A node that cannot be reached costs its own calls only: after a failure of the connection, calls are refused at once, and after
/// <see cref="RetryAfter"/> the next one tries again. What a node itself answers, UNAVAILABLE too, says nothing about its reachability.
/// </para>
/// <para>Concurrency: any thread; <c>_failure</c> and <c>_pools</c> are replaced whole.</para>
/// </summary>
internal sealed class RoutedNode : IDisposable
{
    /// <summary>How long a node that could not be reached is not tried again.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly ChannelBase _channel;
    private readonly TimeProvider _time;
    private volatile Failure? _failure;
    private volatile IReadOnlyList<KnownPool>? _pools;

    /// <summary>Takes the channel over.</summary>
    public RoutedNode(NodeAddress address, ChannelBase channel, TimeProvider time)
    {
        Address = address;
        _channel = channel;
        _time = time;
        Controller = new Controller.ControllerClient(channel);
        PoolsOf = new NodePools.NodePoolsClient(channel);
    }

    /// <summary>Its name and where it is.</summary>
    public NodeAddress Address { get; }

    /// <summary>The node's id, which is its topology segment.</summary>
    public string Name => Address.Name;

    /// <summary>CSI's Controller service there; call it through <see cref="CallAsync"/>.</summary>
    public Controller.ControllerClient Controller { get; }

    /// <summary>What CSI has no call for; call it through <see cref="CallAsync"/>.</summary>
    public NodePools.NodePoolsClient PoolsOf { get; }

    /// <summary>The pools it had when it was last asked; empty before that.</summary>
    public IReadOnlyList<KnownPool> Pools => _pools ?? [];

    /// <summary>Nothing can be said of its pools: it cannot be reached, or has not answered yet when it was asked for them.</summary>
    public bool IsUnknown => IsLost || _pools is null;

    /// <summary>It could not be reached, and has not been since.</summary>
    public bool IsLost => _failure is not null;

    /// <summary>It was lost so lately that calls are refused without a try.</summary>
    public bool IsRefusing => _failure is { } failure && _time.GetElapsedTime(failure.At) < RetryAfter;

    /// <summary>
    /// Makes one call. <see cref="VolumeError.Unavailable"/>, naming the node, when it cannot be reached; what the node answers passes.
    /// </summary>
    public async Task<TResponse> CallAsync<TResponse>(Func<RoutedNode, AsyncUnaryCall<TResponse>> call)
    {
        if (IsRefusing && _failure is { } failure)
            throw Lost(failure.Reason);
        try
        {
            using var started = call(this);
            var response = await started.ResponseAsync.ConfigureAwait(false);
            _failure = null;
            return response;
        }
        catch (RpcException e) when (IsOfConnection(e.Status))
        {
            _failure = new Failure(_time.GetTimestamp(), e.Status.Detail);
            throw Lost(e.Status.Detail);
        }
        catch (RpcException e) when (e.StatusCode is not (StatusCode.DeadlineExceeded or StatusCode.Cancelled))
        {
            _failure = null; // It answered.
            throw;
        }
    }

    /// <summary>
    /// The same with a limit that is the router's own: a node that does not answer in time counts as one that cannot be reached.
    /// </summary>
    public async Task<TResponse> CallWithinAsync<TResponse>(
        TimeSpan limit, Func<RoutedNode, CallOptions, AsyncUnaryCall<TResponse>> call)
    {
        var options = new CallOptions(deadline: _time.GetUtcNow().UtcDateTime + limit);
        try
        {
            return await CallAsync(node => call(node, options)).ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.DeadlineExceeded)
        {
            var reason = $"it has not answered within {limit.TotalSeconds:0} s";
            _failure = new Failure(_time.GetTimestamp(), reason);
            throw Lost(reason);
        }
    }

    /// <summary>Asks the node for its pools.</summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        var deadline = _time.GetUtcNow().UtcDateTime + RetryAfter;
        var response = await CallAsync(node => node.PoolsOf.ListPoolsAsync(
            new ListPoolsRequest(), deadline: deadline, cancellationToken: cancellation)).ConfigureAwait(false);
        _pools = [.. from pool in response.Pools
                     where Guid.TryParseExact(pool.Uuid, "N", out _)
                     select new KnownPool(Guid.ParseExact(pool.Uuid, "N"), pool.Name, pool.Writable, pool.FreeBytes)];
    }

    /// <inheritdoc/>
    public void Dispose() => (_channel as IDisposable)?.Dispose();

    // A status made on this side because the connection could not be made or broke, whatever its code.
    private static bool IsOfConnection(Status status) =>
        status.DebugException is HttpRequestException or IOException or SocketException
            or OperationCanceledException { InnerException: TimeoutException } // it took too long to connect
        && status.StatusCode is not (StatusCode.DeadlineExceeded or StatusCode.Cancelled);

    private VolumeException Lost(string reason) =>
        new(VolumeError.Unavailable, $"node {NameRules.Quote(Name)} at {Address.Address.Authority} cannot be reached: {reason}");

    private sealed record Failure(long At, string Reason);
}
