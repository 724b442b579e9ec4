using Grpc.Core;

namespace CsiThin.Driver.Rpc.Wire;

/// <summary>Metadata to HTTP header values and back. Bytes travel as base64, written without padding, read with or without.</summary>
internal static class HeaderMetadata
{
    /// <summary>The value as it stands in a header.</summary>
    public static string Encode(Metadata.Entry entry) =>
        entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes).TrimEnd('=') : entry.Value;

    /// <summary>
    /// Adds one header value, if it is metadata. A <c>-bin</c> value may be a list joined with commas, as HTTP allows for repeated headers.
    /// Throws <see cref="FormatException"/> for broken base64; names and texts that gRPC does not allow are passed over.
    /// </summary>
    public static void Decode(Metadata metadata, string name, string value)
    {
        if (!HeaderNames.IsMetadata(name) || !Metadata.Entry.IsValidKey(name))
        {
            return;
        }

        if (!name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase))
        {
            if (Metadata.Entry.IsValidText(value))
            {
                metadata.Add(name, value);
            }

            return;
        }

        foreach (var part in value.Split(',', StringSplitOptions.TrimEntries))
        {
            metadata.Add(name, DecodeBase64(name, part));
        }
    }

    private static byte[] DecodeBase64(string name, string text)
    {
        var unpadded = text.TrimEnd('=');
        try
        {
            return Convert.FromBase64String(unpadded.PadRight((unpadded.Length + 3) / 4 * 4, '='));
        }
        catch (FormatException)
        {
            throw new FormatException($"the header '{name}' is no base64");
        }
    }
}
