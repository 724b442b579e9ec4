using Grpc.Core;

namespace CsiThin.Driver.Rpc.Client;

/// <summary>A client's stream of requests.</summary>
internal sealed class ClientStreamWriter<TRequest, TResponse>(RequestStream<TRequest> requests, ClientCall<TResponse> call)
    : IClientStreamWriter<TRequest>
    where TResponse : class
{
    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation, cancellationToken);
        try
        {
            await requests.WriteAsync(message, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // A message may be half sent: the call cannot go on. Its own status, if it has one, says why.
            var status = call.Fail(e);
            throw new RpcException(status);
        }
    }

    public Task CompleteAsync()
    {
        requests.Complete();
        return Task.CompletedTask;
    }
}
