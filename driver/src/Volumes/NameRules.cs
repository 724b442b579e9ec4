using System.Text;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// What may be a name, and how a name is shown in a message. Names are never paths and never commands, so that <c>../x</c> is a name like
/// any other; only length and control characters are refused.
/// </summary>
internal static class NameRules
{
    /// <summary>CSI's limit for a name, in bytes of UTF-8 ("Size Limits" of the specification).</summary>
    public const int MaximumBytes = 128;

    private const int ShownCharacters = 64;

    /// <summary>Throws <see cref="VolumeError.InvalidArgument"/> for what is not 1 to 128 bytes or holds a control character.</summary>
    public static void Check(string noun, string name)
    {
        if (name.Length == 0)
            throw Invalid($"the name of a {noun} is empty; it must have 1 to {MaximumBytes} bytes");
        var bytes = Encoding.UTF8.GetByteCount(name);
        if (bytes > MaximumBytes)
            throw Invalid($"the name {Quote(name)} of a {noun} has {bytes} bytes, above the limit of {MaximumBytes}");
        for (var at = 0; at < name.Length; at++)
        {
            if (char.IsControl(name[at]))
                throw Invalid($"the name {Quote(name)} of a {noun} holds the control character U+{(int)name[at]:X4} at position {at}");
            if (char.IsSurrogate(name[at]) && !IsPair(name, ref at))
                throw Invalid($"the name {Quote(name)} of a {noun} is not valid Unicode");
        }
    }

    /// <summary>The text as a message shows it: in quotes, on one line, cut where it is long.</summary>
    public static string Quote(string text)
    {
        var shown = new StringBuilder("'");
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, ShownCharacters)))
            shown.Append(char.IsControl(character) || char.IsSurrogate(character) ? '?' : character);
        return shown.Append(text.Length > ShownCharacters ? "'..." : "'").ToString();
    }

    private static bool IsPair(string name, ref int at) => at + 1 < name.Length && char.IsSurrogatePair(name[at], name[++at]);

    private static VolumeException Invalid(string message) => new(VolumeError.InvalidArgument, message);
}
