namespace Grpc.Core;

/// <summary>The one kind of propagation token: plain values.</summary>
internal sealed class CallPropagation(DateTime deadline, CancellationToken cancellationToken) : ContextPropagationToken
{
    /// <summary>In UTC; <see cref="DateTime.MaxValue"/> for none.</summary>
    public DateTime Deadline { get; } = deadline;

    public CancellationToken CancellationToken { get; } = cancellationToken;
}
