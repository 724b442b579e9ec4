using System.CommandLine;
using System.Globalization;
using System.Net;
using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>The options that the serving commands share.</summary>
internal static class ServerArguments
{
    private const string UnixPrefix = "unix:";
    private const int NodeIdLengthMax = 63;
    private const long CacheMinimumBytes = 1 << 20;

    /// <summary>--pool, at least once.</summary>
    public static Option<PoolOption[]> Pools() => new("--pool")
    {
        Description = "A pool to serve; again for more. With size= a file that is not there is made and formatted",
        HelpName = PoolOption.Form,
        Required = true,
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result =>
        {
            var pools = new List<PoolOption>();
            foreach (var token in result.Tokens)
            {
                if (PoolOption.Parse(token.Value, out var error) is not { } pool)
                    return Arguments.Fail<PoolOption[]>(result, $"--pool: {error}");
                if (pools.Exists(other => other.Name == pool.Name))
                    return Arguments.Fail<PoolOption[]>(result, $"--pool: two pools are named {NameRules.Quote(pool.Name)}");
                pools.Add(pool);
            }

            return [.. pools];
        },
    };

    /// <summary>--nbd.</summary>
    public static Option<string?> Nbd() => new("--nbd")
    {
        Description = "NBD socket (mode 0600) with every volume and snapshot under its handle; none unless given",
        HelpName = "PATH",
    };

    /// <summary>--metrics.</summary>
    public static Option<IPEndPoint?> Metrics() => Arguments.Parsed<IPEndPoint>(
        "--metrics", "ADDRESS:PORT", "Where /metrics and /healthz answer; port 0 takes a free one; nowhere unless given", ParseAddress);

    /// <summary>--cache.</summary>
    public static Option<long?> Cache() => Arguments.Size(
        "--cache",
        "Memory for the metadata of each pool; 64M unless given",
        4096,
        bytes => bytes < CacheMinimumBytes ? "a cache has 1 MiB at least" : null);

    /// <summary>--state-dir.</summary>
    public static Option<string> StateDirectory(string standard, string description) => new("--state-dir")
    {
        Description = $"{description}; {standard} unless given. On a disk that survives a reboot",
        HelpName = "DIR",
        DefaultValueFactory = _ => standard,
    };

    /// <summary>--stop-timeout.</summary>
    public static Option<TimeSpan?> StopTimeout() => new("--stop-timeout")
    {
        Description = "After SIGTERM, wait so long for attached volumes to be detached, then leave them to the next engine, their I/O "
            + "waiting; without end unless given",
        HelpName = "SECONDS",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
                return TimeSpan.FromSeconds(seconds);
            result.AddError($"--stop-timeout: {NameRules.Quote(text)} is no number of seconds");
            return null;
        },
    };

    /// <summary>--endpoint.</summary>
    public static Option<string?> Endpoint() => WithDefault(
        Arguments.Parsed<string>("--endpoint", "unix:///PATH", "CSI socket (mode 0600)", ParseEndpoint), "/run/csithin/csi.sock");

    /// <summary>--node-id.</summary>
    public static Option<string?> NodeId() => WithDefault(
        Arguments.Parsed<string>("--node-id", "NAME", "Name of this node, as in its topology label; the host's unless given", ParseNodeId),
        Environment.MachineName);

    /// <summary>--kubelet-dir.</summary>
    public static Option<string> KubeletDirectory() => new("--kubelet-dir")
    {
        Description = "Kubelet's folder, in which every staging and target path lies",
        HelpName = "DIR",
        DefaultValueFactory = _ => NodePaths.DefaultKubeletDirectory,
    };

    /// <summary>--listen.</summary>
    public static Option<IPEndPoint?> Listen() => Arguments.Parsed<IPEndPoint>(
        "--listen", "ADDRESS:PORT", "Where the controller is answered over mutual TLS; nowhere unless given", ParseAddress);

    /// <summary>--tls-dir.</summary>
    public static Option<string?> TlsDirectory(string description) => new("--tls-dir") { Description = description, HelpName = "DIR" };

    /// <summary>The path in <c>unix:///PATH</c>; null and the reason in words for anything else.</summary>
    public static string? ParseEndpoint(string text, out string error)
    {
        var path = text.StartsWith(UnixPrefix, StringComparison.Ordinal) ? text[UnixPrefix.Length..] : text;
        if (path.StartsWith("//", StringComparison.Ordinal))
            path = path[2..];
        error = path.StartsWith('/') && path.Length > 1 ? "" : $"the endpoint {NameRules.Quote(text)} is not unix:///PATH";
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
            $"the node id {NameRules.Quote(id)} must be 1 to {NodeIdLengthMax} letters, digits, '-', '_' or '.', " +
            "a letter or digit at both ends";
        return isValue ? id : null;
    }

    private static Option<string?> WithDefault(Option<string?> option, string standard)
    {
        option.DefaultValueFactory = _ => standard;
        return option;
    }

    private static IPEndPoint? ParseAddress(string text, out string error)
    {
        var shown = text.StartsWith(':') ? $"0.0.0.0{text}" : text.Replace("localhost:", "127.0.0.1:", StringComparison.Ordinal);
        error = "";
        if (shown.LastIndexOf(':') > shown.LastIndexOf(']') && IPEndPoint.TryParse(shown, out var endPoint))
            return endPoint;
        error = $"{NameRules.Quote(text)} is not ADDRESS:PORT, such as 127.0.0.1:9808";
        return null;
    }
}
