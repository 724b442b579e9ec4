using System.Buffers.Binary;

namespace CsiThin.Core.Nbd;

/// <summary>
/// A cursor over an option's data that never reads beyond it: each step returns false where the data is too short or no string.
/// </summary>
internal ref struct OptionData(ReadOnlySpan<byte> data)
{
    private ReadOnlySpan<byte> _rest = data;

    /// <summary>All has been read.</summary>
    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>Reads 16 bits.</summary>
    public bool TryReadUInt16(out ushort value)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_rest, out value))
            return false;
        _rest = _rest[2..];
        return true;
    }

    /// <summary>Reads 32 bits.</summary>
    public bool TryReadUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value))
            return false;
        _rest = _rest[4..];
        return true;
    }

    /// <summary>Reads a string after the 32 bits of its length.</summary>
    public bool TryReadString(out string text)
    {
        text = "";
        if (!TryReadUInt32(out var lengthBytes)
            || lengthBytes > (uint)_rest.Length
            || !NbdText.TryDecode(_rest[..(int)lengthBytes], out text))
            return false;
        _rest = _rest[(int)lengthBytes..];
        return true;
    }
}
