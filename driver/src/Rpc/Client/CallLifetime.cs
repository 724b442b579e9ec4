using Grpc.Core;

namespace CsiThin.Driver.Rpc.Client;

/// <summary>
/// What can end a call from this side: the caller's token, the token and deadline of the server call it is made for, its own deadline,
/// and disposal, of itself or of the channel. One token stands for all.
/// </summary>
internal sealed class CallLifetime : IDisposable
{
    // Longer than a timer can wait.
    private static readonly TimeSpan MaxTimer = TimeSpan.FromMilliseconds(int.MaxValue);

    private readonly CancellationToken _caller;
    private readonly CancellationToken _parent;
    private readonly CancellationToken _channel;
    private readonly CancellationTokenSource _any;
    private volatile bool _givenUp;

    public CallLifetime(CallOptions options, CancellationToken channelDisposed)
    {
        var propagated = options.PropagationToken as CallPropagation;
        _caller = options.CancellationToken;
        _parent = propagated?.CancellationToken ?? CancellationToken.None;
        _channel = channelDisposed;
        _any = CancellationTokenSource.CreateLinkedTokenSource(_caller, _parent, _channel);
        Token = _any.Token;
        var deadline = Earlier(options.Deadline, propagated?.Deadline);
        if (deadline < DateTime.MaxValue)
        {
            var left = deadline - TimeProvider.System.GetUtcNow().UtcDateTime;
            Remaining = left > TimeSpan.Zero ? left : TimeSpan.Zero;
            SetTimer(Remaining.Value);
        }
    }

    /// <summary>The time from the call's start to its deadline, not negative; null for no deadline.</summary>
    public TimeSpan? Remaining { get; }

    public CancellationToken Token { get; }

    /// <summary>Why the token was cancelled.</summary>
    public Status Reason => _givenUp || new[] { _caller, _parent, _channel }.Any(t => t.IsCancellationRequested)
        ? new Status(StatusCode.Cancelled, "the call was cancelled by the client")
        : new Status(StatusCode.DeadlineExceeded, "the call's deadline has passed");

    /// <summary>Cancels because the call is no longer wanted; harmless once it is over.</summary>
    public void GiveUp()
    {
        _givenUp = true;
        try
        {
            _any.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call ended at the same moment: there is nothing left to cancel.
        }
    }

    public void Dispose() => _any.Dispose();

    private void SetTimer(TimeSpan remaining)
    {
        if (remaining == TimeSpan.Zero)
        {
            _any.Cancel();
        }
        else if (remaining < MaxTimer)
        {
            _any.CancelAfter(remaining);
        }
    }

    private static DateTime Earlier(DateTime? own, DateTime? parent)
    {
        var first = Utc(own ?? DateTime.MaxValue);
        var second = Utc(parent ?? DateTime.MaxValue);
        return first < second ? first : second;
    }

    private static DateTime Utc(DateTime time) => time == DateTime.MaxValue ? time : time.ToUniversalTime();
}
