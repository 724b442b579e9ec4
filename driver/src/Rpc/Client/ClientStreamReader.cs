using Grpc.Core;

namespace CsiThin.Driver.Rpc.Client;

/// <summary>A client's stream of responses. At its end the call's status is known, and thrown unless it is OK.</summary>
internal sealed class ClientStreamReader<T>(ClientCall<T> call) : IAsyncStreamReader<T>
    where T : class
{
    private T? _current;

    public T Current => _current ?? throw new InvalidOperationException("there is no current message: MoveNext did not return true");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        _current = await call.ReadAsync(cancellationToken).ConfigureAwait(false);
        return _current is not null;
    }
}
