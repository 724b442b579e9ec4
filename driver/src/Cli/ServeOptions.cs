using System.Net;

namespace CsiThin.Driver.Cli;

/// <summary>What <c>serve</c> is told: sockets as plain paths, no NBD and no metrics where null.</summary>
internal sealed record ServeOptions(string SocketPath, string NodeId, IReadOnlyList<PoolOption> Pools, string? NbdPath, IPEndPoint? Metrics)
{
    /// <summary>Where the engine's own API listens; nowhere where null.</summary>
    public ControlSocket? Control { get; init; }

    private const string UnixPrefix = "unix:";
    private const int NodeIdLengthMax = 63;

    /// <summary>The path in <c>unix:///PATH</c>; null and the reason in words for anything else.</summary>
    public static string? ParseEndpoint(string text, out string error)
    {
        var path = text.StartsWith(UnixPrefix, StringComparison.Ordinal) ? text[UnixPrefix.Length..] : text;
        if (path.StartsWith("//", StringComparison.Ordinal))
            path = path[2..];
        error = path.StartsWith('/') && path.Length > 1 ? "" : $"the endpoint {Volumes.NameRules.Quote(text)} is not unix:///PATH";
        return error.Length == 0 ? path : null;
    }

    /// <summary>
    /// The node's id if it can be a label's value in Kubernetes, which the topology needs; else null and the reason in words.
    /// </summary>
    public static string? ParseNodeId(string id, out string error)
    {
        var isValue = id.Length is > 0 and <= NodeIdLengthMax &&
            char.IsAsciiLetterOrDigit(id[0]) && char.IsAsciiLetterOrDigit(id[^1]) &&
            id.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.');
        error = isValue ? "" :
            $"the node id {Volumes.NameRules.Quote(id)} must be 1 to {NodeIdLengthMax} letters, digits, '-', '_' or '.', " +
            "a letter or digit at both ends";
        return isValue ? id : null;
    }
}
