using Grpc.Core;

namespace CsiThin.Driver.Rpc.Wire;

/// <summary>How long messages may be, in bytes; null for no limit.</summary>
internal readonly record struct MessageLimits(int? MaxReceiveBytes, int? MaxSendBytes)
{
    /// <summary>What gRPC implementations agree on where nothing is set: 4 MiB.</summary>
    public const int DefaultMaxReceiveBytes = 4 * 1024 * 1024;

    /// <summary>Throws ResourceExhausted for a message that is too long to take in.</summary>
    public void CheckReceived(uint lengthBytes) => Check("received", lengthBytes, MaxReceiveBytes ?? int.MaxValue);

    /// <summary>Throws ResourceExhausted for a message that is too long to send.</summary>
    public void CheckSent(int lengthBytes) => Check("to be sent", (uint)lengthBytes, MaxSendBytes ?? int.MaxValue);

    private static void Check(string direction, uint lengthBytes, int maxBytes)
    {
        if (lengthBytes > (uint)maxBytes)
        {
            throw new RpcException(new Status(
                StatusCode.ResourceExhausted, $"the message {direction} has {lengthBytes} bytes, more than the limit of {maxBytes} bytes"));
        }
    }
}
