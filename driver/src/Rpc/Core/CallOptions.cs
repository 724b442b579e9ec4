using System.Diagnostics.CodeAnalysis;

namespace Grpc.Core;

/// <summary>What a client sets for one call.</summary>
/// <param name="headers">Sent before the request; null for none.</param>
/// <param name="deadline">When the call must be over, in UTC (local times are converted); null for never.</param>
/// <param name="cancellationToken">Gives the call up.</param>
/// <param name="writeOptions">How the request is sent; null for the default.</param>
/// <param name="propagationToken">Deadline and cancellation of the server call this one is made for; null for none.</param>
[method: SuppressMessage("Design", "CA1068", Justification = "Generated clients pass the arguments in this order.")]
public readonly struct CallOptions(
    Metadata? headers = null,
    DateTime? deadline = null,
    CancellationToken cancellationToken = default,
    WriteOptions? writeOptions = null,
    ContextPropagationToken? propagationToken = null)
{
    public Metadata? Headers { get; } = headers;

    public DateTime? Deadline { get; } = deadline;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    public WriteOptions? WriteOptions { get; } = writeOptions;

    public ContextPropagationToken? PropagationToken { get; } = propagationToken;

    public CallOptions WithHeaders(Metadata headers) => new(headers, Deadline, CancellationToken, WriteOptions, PropagationToken);

    public CallOptions WithDeadline(DateTime deadline) => new(Headers, deadline, CancellationToken, WriteOptions, PropagationToken);

    public CallOptions WithCancellationToken(CancellationToken token) => new(Headers, Deadline, token, WriteOptions, PropagationToken);
}
