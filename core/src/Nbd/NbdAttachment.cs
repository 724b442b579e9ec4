using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>What the other end of a socket that skips the handshake must be told.</summary>
/// <param name="LengthBytes">The export's size now.</param>
/// <param name="TransmissionFlags">NBD_FLAG_* as they would have stood in the handshake.</param>
/// <param name="PreferredBytes">The request size that costs least.</param>
public sealed record NbdFacts(long LengthBytes, ushort TransmissionFlags, int PreferredBytes)
{
    /// <summary>The facts of an open device.</summary>
    public static NbdFacts Of(IBlockDevice device) => new(
        device.LengthBytes, (ushort)NbdSession.FlagsOf(device, structuredReplies: false), device.PreferredBytes);
}

/// <summary>A device being served on a socket that skipped the handshake, until either end closes. Any thread may call.</summary>
public sealed class NbdAttachment
{
    private readonly NbdConnection _connection;

    internal NbdAttachment(NbdConnection connection) => _connection = connection;

    /// <summary>Ends it without the other end's help: what is in flight is finished, but not answered.</summary>
    public void Abandon() => _connection.Abandon();

    /// <summary>Waits until the device has been given back.</summary>
    public void Join() => _connection.Join();
}
