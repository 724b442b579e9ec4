using System.Runtime.InteropServices;
using System.Text;

namespace CsiThin.Driver.Attach.Netlink;

/// <summary>A generic netlink request being written: headers, then attributes in the order they are added.</summary>
internal sealed class NetlinkRequest
{
    private const int SequenceAt = 8;

    private readonly List<byte> _bytes = [];

    /// <summary>A request to a family, acknowledged by the kernel.</summary>
    public NetlinkRequest(ushort family, byte command, byte version)
    {
        Span<byte> header = stackalloc byte[NetlinkProtocol.HeaderBytes + NetlinkProtocol.GenericHeaderBytes];
        header.Clear();
        MemoryMarshal.Write(header[4..], family);
        MemoryMarshal.Write(header[6..], (ushort)(NetlinkProtocol.FlagRequest | NetlinkProtocol.FlagAcknowledge));
        header[16] = command;
        header[17] = version;
        _bytes.AddRange(header);
    }

    /// <summary>Adds 32 bits.</summary>
    public NetlinkRequest Add(ushort type, uint value) => Add(type, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value)));

    /// <summary>Adds 64 bits.</summary>
    public NetlinkRequest Add(ushort type, ulong value) => Add(type, MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value)));

    /// <summary>Adds a string, which ends with a zero byte.</summary>
    public NetlinkRequest Add(ushort type, string text) => Add(type, Encoding.UTF8.GetBytes(text + '\0'));

    /// <summary>Adds an attribute that holds what <paramref name="fill"/> adds.</summary>
    public NetlinkRequest Nest(ushort type, Action<NetlinkRequest> fill)
    {
        var start = _bytes.Count;
        Add((ushort)(type | NetlinkProtocol.AttributeNested), ReadOnlySpan<byte>.Empty);
        fill(this);
        MemoryMarshal.Write(CollectionsMarshal.AsSpan(_bytes)[start..], (ushort)(_bytes.Count - start));
        return this;
    }

    /// <summary>The whole datagram under this sequence number.</summary>
    public ReadOnlySpan<byte> Seal(uint sequence)
    {
        var bytes = CollectionsMarshal.AsSpan(_bytes);
        MemoryMarshal.Write(bytes, (uint)bytes.Length);
        MemoryMarshal.Write(bytes[SequenceAt..], sequence);
        return bytes;
    }

    private NetlinkRequest Add(ushort type, ReadOnlySpan<byte> value)
    {
        Span<byte> header = stackalloc byte[NetlinkProtocol.AttributeHeaderBytes];
        MemoryMarshal.Write(header, (ushort)(header.Length + value.Length));
        MemoryMarshal.Write(header[2..], type);
        _bytes.AddRange(header);
        _bytes.AddRange(value);
        while (_bytes.Count % NetlinkProtocol.AlignmentBytes != 0)
            _bytes.Add(0);
        return this;
    }
}
