namespace Grpc.Core;

/// <summary>A stream of messages to the other side. One write at a time.</summary>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>How messages are sent, null for the call's own options.</summary>
    WriteOptions? WriteOptions { get; set; }

    /// <summary>Sends a message; done when the transport has room for another.</summary>
    Task WriteAsync(T message);

    /// <summary>As <see cref="WriteAsync(T)"/>; cancelling it aborts the whole call, for half a message cannot be taken back.</summary>
    Task WriteAsync(T message, CancellationToken cancellationToken);
}
