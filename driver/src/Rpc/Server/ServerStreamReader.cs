using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>A handler's stream of requests.</summary>
internal sealed class ServerStreamReader<T>(HttpServerCallContext call, MessageReader<T> messages) : IAsyncStreamReader<T>
    where T : class
{
    private T? _current;

    public T Current => _current ?? throw new InvalidOperationException("there is no current message: MoveNext did not return true");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken, cancellationToken);
        _current = await messages.ReadAsync(either.Token).ConfigureAwait(false);
        return _current is not null;
    }
}
