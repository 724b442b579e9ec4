namespace CsiThin.Core.Nbd;

/// <summary>What the other end of a socket that skips the handshake must be told.</summary>
/// <param name="LengthBytes">The export's size now.</param>
/// <param name="TransmissionFlags">NBD_FLAG_* as they would have stood in the handshake.</param>
/// <param name="PreferredBytes">The request size that costs least.</param>
public sealed record NbdAttachment(long LengthBytes, ushort TransmissionFlags, int PreferredBytes);
