using System.Runtime.InteropServices;

namespace CsiThin.Driver.Attach.Netlink;

/// <summary>The messages of one datagram. As careful as <see cref="NetlinkAttributes"/>: what makes no sense ends the list.</summary>
internal ref struct NetlinkMessages(ReadOnlySpan<byte> datagram)
{
    private ReadOnlySpan<byte> _rest = datagram;
    private ReadOnlySpan<byte> _body;
    private ushort _flags;

    /// <summary>The type of the message <see cref="MoveNext"/> has come to: a family, or a number of netlink's own.</summary>
    public ushort Type { get; private set; }

    /// <summary>The number of the request it answers; 0 for one nobody asked for.</summary>
    public uint Sequence { get; private set; }

    /// <summary>The command of a message of a family.</summary>
    public readonly byte Command => _body.Length > 0 ? _body[0] : (byte)0;

    /// <summary>The attributes of a message of a family.</summary>
    public readonly ReadOnlySpan<byte> Attributes =>
        _body.Length > NetlinkProtocol.GenericHeaderBytes ? _body[NetlinkProtocol.GenericHeaderBytes..] : [];

    /// <summary>The errno of a <see cref="NetlinkProtocol.TypeError"/>, 0 for an acknowledgement.</summary>
    public readonly int Errno => _body.Length >= 4 ? -MemoryMarshal.Read<int>(_body) : Core.Device.Errno.Io;

    /// <summary>The kernel's sentence in a <see cref="NetlinkProtocol.TypeError"/>, or null.</summary>
    public readonly string? ErrorMessage
    {
        get
        {
            if ((_flags & NetlinkProtocol.FlagErrorAttributes) == 0 || _body.Length < 4 + NetlinkProtocol.HeaderBytes)
                return null;
            var requestBytes = (_flags & NetlinkProtocol.FlagCapped) != 0
                ? NetlinkProtocol.HeaderBytes
                : Math.Min(NetlinkProtocol.Align((int)Math.Min(MemoryMarshal.Read<uint>(_body[4..]), 1 << 20)), _body.Length - 4);
            var attributes = new NetlinkAttributes(_body[(4 + requestBytes)..]);
            return attributes.MoveTo(NetlinkProtocol.ErrorAttributeMessage) ? attributes.AsString : null;
        }
    }

    /// <summary>Goes to the next message; false at the end.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < NetlinkProtocol.HeaderBytes)
            return false;
        var lengthBytes = MemoryMarshal.Read<uint>(_rest);
        if (lengthBytes < NetlinkProtocol.HeaderBytes || lengthBytes > (uint)_rest.Length)
            return false;
        Type = MemoryMarshal.Read<ushort>(_rest[4..]);
        _flags = MemoryMarshal.Read<ushort>(_rest[6..]);
        Sequence = MemoryMarshal.Read<uint>(_rest[8..]);
        _body = _rest[NetlinkProtocol.HeaderBytes..(int)lengthBytes];
        _rest = _rest[Math.Min(NetlinkProtocol.Align((int)lengthBytes), _rest.Length)..];
        return true;
    }
}
