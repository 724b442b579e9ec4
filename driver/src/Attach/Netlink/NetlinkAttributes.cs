using System.Runtime.InteropServices;
using System.Text;

namespace CsiThin.Driver.Attach.Netlink;

/// <summary>
/// Attributes in a span, one after the other. Reading never goes beyond the span: what is cut off or claims a senseless length ends the
/// list.
/// </summary>
internal ref struct NetlinkAttributes(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The type of the attribute <see cref="MoveNext"/> has come to, without its flags.</summary>
    public ushort Type { get; private set; }

    /// <summary>Its value.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>The value as attributes.</summary>
    public readonly NetlinkAttributes Nested => new(Value);

    /// <summary>The value as 16 bits, 0 when it is shorter.</summary>
    public readonly ushort AsUInt16 => Value.Length >= 2 ? MemoryMarshal.Read<ushort>(Value) : (ushort)0;

    /// <summary>The value as 32 bits, 0 when it is shorter.</summary>
    public readonly uint AsUInt32 => Value.Length >= 4 ? MemoryMarshal.Read<uint>(Value) : 0;

    /// <summary>The value as a string up to its zero byte.</summary>
    public readonly string AsString =>
        Encoding.UTF8.GetString(Value.IndexOf((byte)0) is >= 0 and var end ? Value[..end] : Value);

    /// <summary>Goes to the next attribute; false at the end.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < NetlinkProtocol.AttributeHeaderBytes)
            return false;
        var lengthBytes = MemoryMarshal.Read<ushort>(_rest);
        if (lengthBytes < NetlinkProtocol.AttributeHeaderBytes || lengthBytes > _rest.Length)
            return false;
        Type = (ushort)(MemoryMarshal.Read<ushort>(_rest[2..]) & NetlinkProtocol.AttributeTypeMask);
        Value = _rest[NetlinkProtocol.AttributeHeaderBytes..lengthBytes];
        _rest = _rest[Math.Min(NetlinkProtocol.Align(lengthBytes), _rest.Length)..];
        return true;
    }

    /// <summary>Goes to the next attribute of this type; false when there is none.</summary>
    public bool MoveTo(ushort type)
    {
        while (MoveNext())
        {
            if (Type == type)
                return true;
        }

        return false;
    }
}
