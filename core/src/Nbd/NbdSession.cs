using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>What handshake and export have settled, and the transmission phase goes by.</summary>
/// <param name="StructuredReplies">Negotiated: reads must be answered in chunks, errors carry a sentence.</param>
/// <param name="BlockStatus">base:allocation was selected for this very export.</param>
/// <param name="IsReadOnly">Every write is refused.</param>
internal sealed record NbdSession(bool StructuredReplies, bool BlockStatus, bool IsReadOnly)
{
    /// <summary>
    /// What a device's export is told to do. CAN_MULTI_CONN is always honest: nothing is cached here, and a flush of any queue covers
    /// every write that was answered on any other (the guarantee of <see cref="IBlockQueue"/>).
    /// </summary>
    public static NbdTransmissionFlags FlagsOf(IBlockDevice device, bool structuredReplies)
    {
        var flags = NbdTransmissionFlags.HasFlags | NbdTransmissionFlags.SendFlush | NbdTransmissionFlags.SendFua
            | NbdTransmissionFlags.CanMultiConn | NbdTransmissionFlags.SendCache;
        flags |= device.IsReadOnly
            ? NbdTransmissionFlags.ReadOnly
            : NbdTransmissionFlags.SendTrim | NbdTransmissionFlags.SendWriteZeroes | NbdTransmissionFlags.SendFastZero;
        if (device.IsRotational)
            flags |= NbdTransmissionFlags.Rotational;
        return structuredReplies ? flags | NbdTransmissionFlags.SendDf : flags;
    }
}
