using System.Text;
using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>The options about exports: EXPORT_NAME, LIST, INFO and GO.</summary>
internal sealed class ExportOptions(
    HandshakeChannel channel, OptionReplies replies, HandshakeState state, INbdExports exports, NbdLog? log)
{
    /// <summary>The oldest way in: no reply but the export's facts, so every refusal is an end of the connection.</summary>
    public void ServeExportName(ReadOnlySpan<byte> data)
    {
        if (!NbdText.TryDecode(data, out var name))
            throw new NbdDisconnect(NbdLogLevel.Warning, "the client asked for an export by a name that cannot be one");
        var device = TryOpen(name, out _, out var message)
            ?? throw new NbdDisconnect(NbdLogLevel.Warning, $"the client asked for export {NbdText.Printable(name)}: {message}");
        state.Choose(name, device);
        Span<byte> facts = stackalloc byte[10 + NbdProtocol.ExportReplyPaddingBytes];
        facts.Clear();
        var bytes = NbdWire.EncodeExport(facts, device.LengthBytes, NbdSession.FlagsOf(device, state.StructuredReplies));
        channel.Write(state.NoZeroes ? facts[..bytes] : facts);
    }

    /// <summary>INFO tells about an export, GO opens it as well. True when the transmission phase begins.</summary>
    public bool ServeInfoOrGo(NbdOption option, ReadOnlySpan<byte> data)
    {
        var reader = new OptionData(data);
        if (!reader.TryReadString(out var name)
            || !TryReadWanted(ref reader, out var wantsName, out var wantsDescription, out var wantsBlockSize))
        {
            replies.Refuse(option, NbdOptionReply.ErrorInvalid, "the option's data, or the export name in it, is malformed");
            return false;
        }
        var device = TryOpen(name, out var error, out var message);
        if (device is null)
        {
            log?.Invoke(NbdLogLevel.Debug, $"{option} of export {NbdText.Printable(name)} refused: {message}");
            replies.Refuse(option, error, message);
            return false;
        }
        if (option == NbdOption.Go)
            state.Choose(name, device);
        using var owned = option == NbdOption.Go ? null : device;
        TellExport(option, device);
        if (wantsName)
            replies.Info(option, NbdInfo.Name, Encoding.UTF8.GetBytes(name));
        if (wantsDescription && exports.Find(name) is { Description.Length: > 0 } export && NbdText.Fits(export.Description))
            replies.Info(option, NbdInfo.Description, Encoding.UTF8.GetBytes(export.Description));
        if (wantsBlockSize)
            TellBlockSizes(option, device);
        replies.Ack(option);
        return option == NbdOption.Go;
    }

    /// <summary>Names and descriptions of all exports.</summary>
    public void ServeList(ReadOnlySpan<byte> data)
    {
        if (!data.IsEmpty)
        {
            replies.Refuse(NbdOption.List, NbdOptionReply.ErrorInvalid, "this option takes no data");
            return;
        }
        foreach (var export in exports.List())
        {
            if (NbdText.Fits(export.Name) && NbdText.Fits(export.Description))
                replies.Export(export);
            else
                log?.Invoke(NbdLogLevel.Warning, $"export {NbdText.Printable(export.Name)} is not listed: a string of it is too long");
        }
        replies.Ack(NbdOption.List);
    }

    private static bool TryReadWanted(ref OptionData reader, out bool name, out bool description, out bool blockSize)
    {
        name = description = blockSize = false;
        if (!reader.TryReadUInt16(out var count))
            return false;
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadUInt16(out var wanted))
                return false;
            // Requests for facts that we do not know are to be ignored.
            name |= wanted == (ushort)NbdInfo.Name;
            description |= wanted == (ushort)NbdInfo.Description;
            blockSize |= wanted == (ushort)NbdInfo.BlockSize;
        }
        return reader.IsAtEnd;
    }

    private IBlockDevice? TryOpen(string name, out NbdOptionReply error, out string message)
    {
        error = NbdOptionReply.ErrorUnknown;
        message = "there is no export of that name";
        try
        {
            return exports.Open(name);
        }
        catch (NbdRefusedException refusal)
        {
            error = NbdOptionReply.ErrorPolicy;
            message = refusal.Message;
            return null;
        }
    }

    private void TellExport(NbdOption option, IBlockDevice device)
    {
        Span<byte> facts = stackalloc byte[10];
        NbdWire.EncodeExport(facts, device.LengthBytes, NbdSession.FlagsOf(device, state.StructuredReplies));
        replies.Info(option, NbdInfo.Export, facts);
    }

    private void TellBlockSizes(NbdOption option, IBlockDevice device)
    {
        Span<byte> sizes = stackalloc byte[12];
        var preferredBytes = Math.Min(device.PreferredBytes, NbdProtocol.MaxPayloadBytes);
        NbdWire.EncodeBlockSizes(sizes, minimumBytes: 1, preferredBytes, NbdProtocol.MaxPayloadBytes);
        replies.Info(option, NbdInfo.BlockSize, sizes);
    }
}
