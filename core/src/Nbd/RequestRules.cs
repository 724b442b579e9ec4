using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>
/// Whether a request may be served, decided from its header alone, before any slot's buffer is taken. The choices the specification
/// leaves open:
/// <list type="bullet">
/// <item>A read longer than the maximum payload is EINVAL, with DF set EOVERFLOW. A write longer than that is EINVAL too; its payload is
/// drained (in constant memory) rather than the connection cut, so that one wrong request does not cost the others.</item>
/// <item>Commands without payload may cover up to 4 GiB - 1.</item>
/// <item>A request of zero bytes succeeds and does nothing, except a block status, whose reply cannot be empty: EINVAL.</item>
/// <item>FUA is accepted with every command, as the specification demands, and ignored where nothing is written.</item>
/// <item>Offset and length of a flush are not looked at: clients are known to leave rubbish there.</item>
/// </list>
/// </summary>
internal static class RequestRules
{
    /// <summary>Returns <see cref="NbdErrno.None"/> when the request is sound and the device's length holds it.</summary>
    public static NbdErrno Check(in NbdRequestHeader header, NbdSession session, long deviceBytes)
    {
        var known = KnownFlags(header.Command, session.StructuredReplies);
        if (known is null || (header.Flags & ~(known.Value | NbdCommandFlags.ForceUnitAccess)) != 0)
            return NbdErrno.Invalid;
        if (session.IsReadOnly && IsWriting(header.Command))
            return NbdErrno.NotPermitted;
        if (header.Command == NbdCommand.Flush)
            return NbdErrno.None;
        if (header.Command == NbdCommand.BlockStatus && (!session.BlockStatus || header.Length == 0))
            return NbdErrno.Invalid;
        if (header.Offset > (ulong)deviceBytes || header.Length > (ulong)deviceBytes - header.Offset)
            return NbdErrors.Of(BlockError.OutOfRange, header.Command);
        if (header.Length <= NbdProtocol.MaxPayloadBytes || header.Command is not (NbdCommand.Read or NbdCommand.Write))
            return NbdErrno.None;
        return (header.Flags & NbdCommandFlags.DoNotFragment) != 0 ? NbdErrno.Overflow : NbdErrno.Invalid;
    }

    /// <summary>What the block device is asked for.</summary>
    public static BlockOperation OperationOf(NbdCommand command) => command switch
    {
        NbdCommand.Read => BlockOperation.Read,
        NbdCommand.Write => BlockOperation.Write,
        NbdCommand.Flush => BlockOperation.Flush,
        NbdCommand.Trim => BlockOperation.Discard,
        NbdCommand.WriteZeroes => BlockOperation.WriteZeroes,
        NbdCommand.Cache => BlockOperation.Prefetch,
        NbdCommand.BlockStatus => BlockOperation.Status,
        _ => throw new ArgumentOutOfRangeException(nameof(command), command, "not a command of a block device"),
    };

    /// <summary>How the block device is asked for it.</summary>
    public static BlockFlags FlagsOf(in NbdRequestHeader header)
    {
        var flags = BlockFlags.None;
        if (IsWriting(header.Command) && (header.Flags & NbdCommandFlags.ForceUnitAccess) != 0)
            flags |= BlockFlags.ForceUnitAccess;
        if ((header.Flags & NbdCommandFlags.NoHole) != 0)
            flags |= BlockFlags.NoHole;
        if ((header.Flags & NbdCommandFlags.FastZero) != 0)
            flags |= BlockFlags.FastOnly;
        return flags;
    }

    private static bool IsWriting(NbdCommand command) => command is NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes;

    private static NbdCommandFlags? KnownFlags(NbdCommand command, bool structuredReplies) => command switch
    {
        NbdCommand.Read => structuredReplies ? NbdCommandFlags.DoNotFragment : NbdCommandFlags.None,
        NbdCommand.WriteZeroes => NbdCommandFlags.NoHole | NbdCommandFlags.FastZero,
        NbdCommand.BlockStatus => NbdCommandFlags.RequestOne,
        NbdCommand.Write or NbdCommand.Flush or NbdCommand.Trim or NbdCommand.Cache => NbdCommandFlags.None,
        _ => null,
    };
}
