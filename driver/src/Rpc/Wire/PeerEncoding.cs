using Grpc.Core;

namespace CsiThin.Driver.Rpc.Wire;

/// <summary>What the peer's <c>grpc-encoding</c> says of its messages; this side takes them in uncompressed only.</summary>
/// <param name="Name">The header's value, null if there was none.</param>
/// <param name="Unsupported">
/// The status for a compressed message: Unimplemented at a server, Internal at a client, as the specification has it.
/// </param>
internal sealed record PeerEncoding(string? Name, StatusCode Unsupported)
{
    /// <summary>Throws <see cref="RpcException"/> unless a message's compression flag says that it is not compressed.</summary>
    public void CheckFlag(byte flag)
    {
        if (flag != 0)
        {
            throw new RpcException(flag == 1 && Name is not (null or HeaderNames.Identity)
                ? new Status(Unsupported, $"the encoding '{Name}' is not supported, only '{HeaderNames.Identity}'")
                : new Status(StatusCode.Internal, $"the message's compression flag is {flag}, and no encoding is named"));
        }
    }
}
