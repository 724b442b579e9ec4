using System.CommandLine;
using System.Net;
using CsiThin.Driver.Node;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary><c>node</c>: CSI on the volumes of an engine in another process.</summary>
internal static class NodeCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var endpoint = ServerArguments.Endpoint();
        var engine = ControlSocket.Connect();
        var node = ServerArguments.NodeId();
        var kubelet = ServerArguments.KubeletDirectory();
        var state = ServerArguments.StateDirectory(NodeOptions.DefaultStateDirectory, "The node's own memory");
        var listen = ServerArguments.Listen();
        var tls = ServerArguments.TlsDirectory("With --listen, certificates shown to the controller: ca.crt, tls.crt and tls.key");
        var metrics = ServerArguments.Metrics();
        var cluster = new ClusterArguments();
        var alone = NodeDeployment();
        var logLevel = ServerLogs.Level();
        var command = new Command(
            "node",
            "Serve CSI on the volumes of a running engine, in a process that may be ended and restarted at any time. Example: "
            + "csi-thin node --endpoint unix:///run/csithin/csi.sock --node-id worker-1")
        {
            endpoint, engine, node, kubelet, state, listen, tls, metrics, alone, logLevel, NodeCheckCommand.Build(line),
            UdevRuleCommand.Build(line),
        };
        cluster.AddTo(command);
        Arguments.AddRule(command, result =>
        {
            if (result.GetValue(alone) && result.GetResult(listen) is not null)
                result.AddError("--node-deployment is without any controller; there is nobody to --listen for");
        });
        line.SetAction(command, (parsed, output, cancellation) => RunAsync(
            new NodeHostOptions(
                parsed.GetRequiredValue(endpoint)!,
                parsed.GetValue(engine) ?? ControlSocket.DefaultPath,
                parsed.GetRequiredValue(node)!,
                new NodeOptions(parsed.GetRequiredValue(kubelet), parsed.GetRequiredValue(state)) { GrowsVolumes = parsed.GetValue(alone) })
            {
                Remote = Remote(parsed.GetValue(listen), parsed.GetValue(tls)),
                Metrics = parsed.GetValue(metrics),
                Cluster = cluster.Read(parsed),
                LogLevel = parsed.GetValue(logLevel),
            },
            output,
            cancellation));
        return command;
    }

    private static Option<bool> NodeDeployment() => new("--node-deployment")
    {
        Description = "The provisioner, snapshotter and resizer run beside this process, there is no csi-thin controller: kubelet's "
            + "expansion grows the volume itself",
    };

    private static RemoteOptions? Remote(IPEndPoint? listen, string? tlsDirectory) => (listen, tlsDirectory) switch
    {
        (null, null) => null,
        ({ } address, { } directory) => new RemoteOptions(address, directory),
        _ => throw new CliException("--listen and --tls-dir go together", ExitCodes.Usage),
    };

    private static async Task<int> RunAsync(NodeHostOptions options, Output output, CancellationToken cancellation)
    {
        using var termination = new Termination();
        using var logs = ServerLogs.ToErrorStream(options.LogLevel);
        var host = await NodeHost.StartAsync(options, logs).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            Announce(options, host, output);
            await termination.WaitAsync(cancellation).ConfigureAwait(false);
        }

        return ExitCodes.Success;
    }

    private static void Announce(NodeHostOptions options, NodeHost host, Output output)
    {
        var report = new
        {
            Ready = true,
            Endpoint = $"unix://{options.SocketPath}",
            Engine = $"unix://{options.EnginePath}",
            options.NodeId,
            Remote = host.RemoteAddress?.ToString().TrimEnd('/'),
            Metrics = host.MetricsAddress?.ToString().TrimEnd('/'),
        };
        var metrics = report.Metrics is null ? "" : $", metrics {report.Metrics}/metrics";
        output.Print(report, $"ready: csi {report.Endpoint}, engine {report.Engine}{metrics}");
    }
}
