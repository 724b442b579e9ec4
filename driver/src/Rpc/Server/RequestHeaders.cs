using System.Diagnostics.CodeAnalysis;
using CsiThin.Driver.Rpc.Wire;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>Reads what a client sends before its messages.</summary>
internal static class RequestHeaders
{
    /// <summary>
    /// The application's metadata and the call's timeout (null for none); false with a message for the client if a header is malformed.
    /// </summary>
    public static bool TryRead(
        IHeaderDictionary headers, out Metadata metadata, out TimeSpan? timeout, [NotNullWhen(false)] out string? error)
    {
        metadata = [];
        timeout = null;
        error = null;
        if (headers.TryGetValue(HeaderNames.Timeout, out var text))
        {
            if (!TimeoutHeader.TryParse(text.ToString(), out var value))
            {
                error = $"the {HeaderNames.Timeout} '{text}' is malformed: one to eight digits and one of H M S m u n make a timeout";
                return false;
            }

            timeout = value;
        }

        return TryReadMetadata(headers, metadata, out error);
    }

    private static bool TryReadMetadata(IHeaderDictionary headers, Metadata metadata, [NotNullWhen(false)] out string? error)
    {
        try
        {
            foreach (var (name, values) in headers)
            {
                foreach (var value in values)
                {
                    HeaderMetadata.Decode(metadata, name, value ?? "");
                }
            }
        }
        catch (FormatException e)
        {
            error = e.Message;
            return false;
        }

        error = null;
        return true;
    }
}
