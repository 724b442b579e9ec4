using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>The one place where errors become the wire's errors, and the sentences that go with them in a structured reply.</summary>
internal static class NbdErrors
{
    /// <summary>No sentence is longer, so that each fits a reply's header space.</summary>
    public const int MaxMessageBytes = 80;

    /// <summary>What the block device said, as the protocol has it.</summary>
    public static NbdErrno Of(BlockError error, NbdCommand command) => error switch
    {
        BlockError.None => NbdErrno.None,
        BlockError.NoSpace => NbdErrno.NoSpace,
        BlockError.ReadOnly => NbdErrno.NotPermitted,
        // The specification asks for ENOSPC where a write passes the end, and leaves EINVAL for the rest.
        BlockError.OutOfRange => command is NbdCommand.Write or NbdCommand.WriteZeroes ? NbdErrno.NoSpace : NbdErrno.Invalid,
        BlockError.Invalid => NbdErrno.Invalid,
        BlockError.NotSupported => NbdErrno.NotSupported,
        BlockError.ShuttingDown => NbdErrno.Shutdown,
        _ => NbdErrno.Io,
    };

    /// <summary>A sentence for a person, in UTF-8. It names no path, no address and no internal state.</summary>
    public static ReadOnlySpan<byte> Message(NbdErrno error) => error switch
    {
        NbdErrno.NotPermitted => "the export is read-only"u8,
        NbdErrno.NoMemory => "the server has no memory for this request"u8,
        NbdErrno.Invalid => "the request's command, flags or range are not valid for this export"u8,
        NbdErrno.NoSpace => "no space: the pool is full, or the write passes the end of the export"u8,
        NbdErrno.Overflow => "the read is too long to be answered in one piece"u8,
        NbdErrno.NotSupported => "not supported, or not faster than writing"u8,
        NbdErrno.Shutdown => "the server is shutting down"u8,
        _ => "input/output error"u8,
    };
}
