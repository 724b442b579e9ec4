using System.Buffers;
using System.Text;

namespace CsiThin.Driver.Rpc.Wire;

/// <summary>
/// The coding of <c>grpc-message</c>: UTF-8 in which every byte outside printable ASCII, and '%' itself, is '%' and two hex digits.
/// </summary>
internal static class PercentCoding
{
    // Clients take in 8 KiB of headers and fail the call beyond that, which would hide the status: longer messages are cut, and say so.
    private const int MaxEncodedLength = 4096;
    private const string Cut = "... (shortened)";
    private const string Hex = "0123456789ABCDEF";
    private const int MaxRuneBytes = 4;

    /// <summary>Any text as a header value.</summary>
    public static string Encode(string text)
    {
        var plain = !text.AsSpan().ContainsAnyExceptInRange(' ', '~') && !text.Contains('%', StringComparison.Ordinal);
        if (plain && text.Length <= MaxEncodedLength)
        {
            return text;
        }

        var encoded = new StringBuilder();
        Span<byte> utf8 = stackalloc byte[MaxRuneBytes];
        foreach (var rune in text.EnumerateRunes())
        {
            var before = encoded.Length;
            AppendEncoded(encoded, utf8[..rune.EncodeToUtf8(utf8)]);
            if (encoded.Length > MaxEncodedLength - Cut.Length)
            {
                encoded.Length = before;
                return encoded.Append(Cut).ToString();
            }
        }

        return encoded.ToString();
    }

    /// <summary>
    /// The text of a header value. What is no proper escape stays as it is: a broken message must not hide the status beside it.
    /// </summary>
    public static string Decode(string value)
    {
        if (!value.Contains('%', StringComparison.Ordinal))
        {
            return value;
        }

        var raw = Encoding.UTF8.GetBytes(value);
        var decoded = new ArrayBufferWriter<byte>(raw.Length);
        for (var i = 0; i < raw.Length; i++)
        {
            var escape = raw[i] == '%' && i + 2 < raw.Length && IsHexDigit(raw[i + 1]) && IsHexDigit(raw[i + 2]);
            decoded.Write([escape ? (byte)((HexValue(raw[i + 1]) << 4) | HexValue(raw[i + 2])) : raw[i]]);
            i += escape ? 2 : 0;
        }

        return Encoding.UTF8.GetString(decoded.WrittenSpan);
    }

    private static void AppendEncoded(StringBuilder encoded, ReadOnlySpan<byte> utf8)
    {
        foreach (var b in utf8)
        {
            if (b is >= (byte)' ' and <= (byte)'~' and not (byte)'%')
            {
                encoded.Append((char)b);
            }
            else
            {
                encoded.Append('%').Append(Hex[b >> 4]).Append(Hex[b & 15]);
            }
        }
    }

    private static bool IsHexDigit(byte b) => char.IsAsciiHexDigit((char)b);

    private static int HexValue(byte digit) => digit <= (byte)'9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
