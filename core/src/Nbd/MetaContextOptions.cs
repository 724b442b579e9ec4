namespace CsiThin.Core.Nbd;

/// <summary>
/// LIST_META_CONTEXT and SET_META_CONTEXT. We know one context, base:allocation. A list without queries, or with the bare namespace
/// <c>base:</c>, names it as well; a selection must spell it out. Queries for anything else match nothing, which is no error.
/// </summary>
internal sealed class MetaContextOptions(OptionReplies replies, HandshakeState state, INbdExports exports)
{
    /// <summary>Answers one of the two options.</summary>
    public void Serve(NbdOption option, ReadOnlySpan<byte> data)
    {
        var isSet = option == NbdOption.SetMetaContext;
        // A selection replaces the one before, even where it fails.
        if (isSet)
            state.AllocationSelectedFor = null;
        if (!state.StructuredReplies)
        {
            replies.Refuse(option, NbdOptionReply.ErrorInvalid, "metadata contexts need structured replies: negotiate them first");
            return;
        }
        if (!TryParse(data, isSet, out var name, out var matches))
        {
            replies.Refuse(option, NbdOptionReply.ErrorInvalid, "the option's data, or a string in it, is malformed");
            return;
        }
        if (exports.Find(name) is null)
        {
            replies.Refuse(option, NbdOptionReply.ErrorUnknown, "there is no export of that name");
            return;
        }
        if (matches)
            replies.Context(option, isSet ? NbdProtocol.AllocationContextId : 0, NbdProtocol.AllocationContext);
        if (matches && isSet)
            state.AllocationSelectedFor = name;
        replies.Ack(option);
    }

    private static bool TryParse(ReadOnlySpan<byte> data, bool isSet, out string name, out bool matches)
    {
        matches = false;
        var reader = new OptionData(data);
        if (!reader.TryReadString(out name) || !reader.TryReadUInt32(out var count))
            return false;
        for (var i = 0u; i < count; i++)
        {
            if (!reader.TryReadString(out var query))
                return false;
            matches |= query == NbdProtocol.AllocationContext || (!isSet && query == "base:");
        }
        matches |= !isSet && count == 0;
        return reader.IsAtEnd;
    }
}
