namespace Grpc.Core;

/// <summary>What all calls of a client have. Disposing a call that is not over cancels it.</summary>
public abstract class AsyncCallBase : IDisposable
{
    private readonly Func<Status> _getStatus;
    private readonly Func<Metadata> _getTrailers;
    private readonly Action _dispose;

    private protected AsyncCallBase(Task<Metadata> responseHeadersAsync, Func<Status> getStatus, Func<Metadata> getTrailers, Action dispose)
    {
        ResponseHeadersAsync = responseHeadersAsync;
        _getStatus = getStatus;
        _getTrailers = getTrailers;
        _dispose = dispose;
    }

    /// <summary>What the server sent before its messages; fails if the call ended before it sent any.</summary>
    public Task<Metadata> ResponseHeadersAsync { get; }

    /// <summary>The status of a call that is over; before that it throws <see cref="InvalidOperationException"/>.</summary>
    public Status GetStatus() => _getStatus();

    /// <summary>The trailers of a call that is over; before that it throws <see cref="InvalidOperationException"/>.</summary>
    public Metadata GetTrailers() => _getTrailers();

    public void Dispose()
    {
        _dispose();
        GC.SuppressFinalize(this);
    }
}
