using System.CommandLine;
using CsiThin.Driver.Router;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary><c>controller</c>: CSI for a whole cluster, forwarded to the node that has the pool.</summary>
internal static class ControllerCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var endpoint = ServerArguments.Endpoint();
        var tls = ServerArguments.TlsDirectory("Certificates shown to the nodes: ca.crt, tls.crt and tls.key");
        tls.Required = true;
        var nodes = Nodes();
        var cluster = ClusterArguments.Kubernetes();
        var metrics = ServerArguments.Metrics();
        var logLevel = ServerLogs.Level();
        var command = new Command(
            "controller",
            "Serve CSI for a whole cluster: each call is forwarded to the node that has the pool. It keeps nothing, so any number may run. "
            + "Example: csi-thin controller --tls-dir /etc/csithin/tls --node worker-1=10.1.2.3:9810")
        {
            endpoint, tls, nodes, cluster, metrics, logLevel,
        };
        line.SetAction(command, (parsed, output, cancellation) => RunAsync(
            new ControllerOptions(parsed.GetRequiredValue(endpoint)!, parsed.GetRequiredValue(tls)!)
            {
                Nodes = parsed.GetValue(nodes) ?? [],
                Cluster = parsed.GetResult(cluster) is null ? null : new ClusterOptions(parsed.GetValue(cluster)),
                Metrics = parsed.GetValue(metrics),
                LogLevel = parsed.GetValue(logLevel),
            },
            output,
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(ControllerOptions options, Output output, CancellationToken cancellation)
    {
        if (options.Cluster is null == (options.Nodes.Count == 0))
            throw new CliException(
                "say where the nodes are, either with --node NAME=HOST:PORT for each or with --kubernetes", ExitCodes.Usage);
        using var termination = new Termination();
        using var logs = ServerLogs.ToErrorStream(options.LogLevel);
        var host = await ControllerHost.StartAsync(options, logs).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            Announce(options, host, output);
            await termination.WaitAsync(cancellation).ConfigureAwait(false);
        }

        return ExitCodes.Success;
    }

    private static void Announce(ControllerOptions options, ControllerHost host, Output output)
    {
        var report = new
        {
            Ready = true,
            Endpoint = $"unix://{options.SocketPath}",
            Nodes = options.Nodes.Select(node => node.Name),
            Metrics = host.MetricsAddress?.ToString().TrimEnd('/'),
        };
        var metrics = report.Metrics is null ? "" : $", metrics {report.Metrics}/metrics";
        output.Print(report, $"ready: csi {report.Endpoint}{metrics}");
    }

    private static Option<NodeAddress[]> Nodes() => new("--node")
    {
        Description = "A node and where it answers CSI over TLS; again for more",
        HelpName = "NAME=HOST:PORT",
        Arity = ArgumentArity.ZeroOrMore,
        CustomParser = result =>
        {
            var nodes = new List<NodeAddress>();
            foreach (var token in result.Tokens)
            {
                if (Parse(token.Value) is not { } node)
                    return Arguments.Fail<NodeAddress[]>(
                        result, $"--node: {NameRules.Quote(token.Value)} is not NAME=HOST:PORT, such as worker-1=10.1.2.3:9810");
                nodes.Add(node);
            }

            return [.. nodes];
        },
    };

    private static NodeAddress? Parse(string text)
    {
        var parts = text.Split('=', 2);
        return parts is [{ Length: > 0 } name, { Length: > 0 } address]
            && Uri.TryCreate($"https://{address}", UriKind.Absolute, out var uri) && uri.PathAndQuery == "/" && address.Contains(':')
            ? new NodeAddress(name, uri)
            : null;
    }
}
