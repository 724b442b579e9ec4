using System.Globalization;
using System.Text;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Attach;

/// <summary>
/// One record of the attachment journal as a line of text, so that a person can read what happened:
/// <c>CRC32C attach HANDLE rw 512</c> or <c>CRC32C detach HANDLE</c>. The checksum, eight hexadecimal digits, is of what follows its blank.
/// </summary>
/// <param name="Attachment">What it is about; of a detachment only the volume counts.</param>
/// <param name="IsAttached">Whether it is from here on.</param>
internal sealed record JournalLine(Attachment Attachment, bool IsAttached)
{
    private const int ChecksumDigits = 8;

    /// <summary>The line, with its end.</summary>
    public byte[] Encode()
    {
        var (volume, readOnly, blockBytes) = Attachment;
        var text = IsAttached
            ? string.Create(CultureInfo.InvariantCulture, $"attach {volume} {(readOnly ? "ro" : "rw")} {blockBytes}")
            : $"detach {volume}";
        return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Checksum(text):x8} {text}\n"));
    }

    /// <summary>Reads a line without its end; null when it is none.</summary>
    public static JournalLine? Decode(ReadOnlySpan<byte> line)
    {
        if (line.Length <= ChecksumDigits || line[ChecksumDigits] != ' ' || !Ascii.IsValid(line))
            return null;
        var text = Encoding.ASCII.GetString(line[(ChecksumDigits + 1)..]);
        if (!uint.TryParse(line[..ChecksumDigits], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var checksum)
            || checksum != Checksum(text))
            return null;
        return text.Split(' ') switch
        {
            ["attach", var handle, ("ro" or "rw") and var mode, var block]
                when VolumeId.TryParse(handle, out var volume) && int.TryParse(block, CultureInfo.InvariantCulture, out var blockBytes)
                => new JournalLine(new Attachment(volume, mode == "ro", blockBytes), IsAttached: true),
            ["detach", var handle] when VolumeId.TryParse(handle, out var volume)
                => new JournalLine(new Attachment(volume, ReadOnly: false, BlockBytes: 0), IsAttached: false),
            _ => null,
        };
    }

    private static uint Checksum(string text) => Crc32C.Of(Encoding.ASCII.GetBytes(text));
}
