using System.Text;
using System.Text.Unicode;

namespace CsiThin.Core.Nbd;

/// <summary>Strings of the protocol: UTF-8 without NUL, at most 4096 bytes.</summary>
internal static class NbdText
{
    private const int MaxPrintableCharacters = 120;

    /// <summary>Decodes a string of the wire; false when it is not one.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out string text)
    {
        text = "";
        if (bytes.Length > NbdProtocol.MaxStringBytes || bytes.Contains((byte)0) || !Utf8.IsValid(bytes))
            return false;
        text = Encoding.UTF8.GetString(bytes);
        return true;
    }

    /// <summary>Whether a string of ours may be sent.</summary>
    public static bool Fits(string text) => Encoding.UTF8.GetByteCount(text) <= NbdProtocol.MaxStringBytes;

    /// <summary>What a client sent, fit for one line of a log: shortened, and without control characters.</summary>
    public static string Printable(string text)
    {
        var shortened = text.Length > MaxPrintableCharacters ? string.Concat(text.AsSpan(0, MaxPrintableCharacters), "...") : text;
        return string.Concat("'", string.Create(shortened.Length, shortened, static (to, from) =>
        {
            for (var i = 0; i < from.Length; i++)
                to[i] = char.IsControl(from[i]) || char.IsSurrogate(from[i]) ? '?' : from[i];
        }), "'");
    }
}
