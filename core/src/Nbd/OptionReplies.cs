using System.Buffers.Binary;
using System.Text;

namespace CsiThin.Core.Nbd;

/// <summary>Writes the replies to options.</summary>
internal sealed class OptionReplies(HandshakeChannel channel)
{
    /// <summary>A reply without data.</summary>
    public void Ack(NbdOption option) => Send(option, NbdOptionReply.Ack, []);

    /// <summary>A refusal with a sentence for a person; the haggling goes on.</summary>
    public void Refuse(NbdOption option, NbdOptionReply error, string message) => Send(option, error, Encoding.UTF8.GetBytes(message));

    /// <summary>One entry of a list of exports.</summary>
    public void Export(NbdExport export)
    {
        var name = Encoding.UTF8.GetBytes(export.Name);
        var data = new byte[4 + name.Length + Encoding.UTF8.GetByteCount(export.Description)];
        BinaryPrimitives.WriteUInt32BigEndian(data, (uint)name.Length);
        name.CopyTo(data.AsSpan(4));
        Encoding.UTF8.GetBytes(export.Description, data.AsSpan(4 + name.Length));
        Send(NbdOption.List, NbdOptionReply.Server, data);
    }

    /// <summary>A metadata context.</summary>
    public void Context(NbdOption option, uint id, string name)
    {
        var data = new byte[4 + name.Length];
        BinaryPrimitives.WriteUInt32BigEndian(data, id);
        Encoding.UTF8.GetBytes(name, data.AsSpan(4));
        Send(option, NbdOptionReply.MetaContext, data);
    }

    /// <summary>A fact about an export: <paramref name="body"/> follows its type.</summary>
    public void Info(NbdOption option, NbdInfo type, ReadOnlySpan<byte> body)
    {
        var data = new byte[2 + body.Length];
        BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)type);
        body.CopyTo(data.AsSpan(2));
        Send(option, NbdOptionReply.Info, data);
    }

    private void Send(NbdOption option, NbdOptionReply reply, ReadOnlySpan<byte> data)
    {
        Span<byte> head = stackalloc byte[NbdProtocol.OptionReplyHeaderBytes];
        NbdWire.EncodeOptionReply(head, option, reply, data.Length);
        channel.Write(head);
        channel.Write(data);
    }
}
