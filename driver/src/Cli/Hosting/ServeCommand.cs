using System.CommandLine;
using CsiThin.Driver.Attach;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary><c>serve</c>: engine, NBD, CSI and metrics in one process until SIGTERM.</summary>
internal static class ServeCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var endpoint = ServerArguments.Endpoint();
        var node = ServerArguments.NodeId();
        var pools = ServerArguments.Pools();
        var nbd = ServerArguments.Nbd();
        var metrics = ServerArguments.Metrics();
        var control = ControlSocket.Listen();
        var cache = ServerArguments.Cache();
        var state = ServerArguments.StateDirectory(DeviceOptions.DefaultStateDirectory, "Where engine and node keep their state");
        var kubelet = ServerArguments.KubeletDirectory();
        var stopTimeout = ServerArguments.StopTimeout();
        var logLevel = ServerLogs.Level();
        var command = new Command(
            "serve", "Engine and node in one process: CSI on a socket, volumes over NBD, metrics. SIGTERM as for csi-thin engine")
        {
            endpoint, node, pools, nbd, metrics, control, cache, state, kubelet, stopTimeout, logLevel,
        };
        line.SetAction(command, (parsed, output, cancellation) => RunAsync(
            new ServeOptions(
                parsed.GetRequiredValue(endpoint)!,
                parsed.GetRequiredValue(node)!,
                parsed.GetRequiredValue(pools),
                parsed.GetValue(nbd),
                parsed.GetValue(metrics))
            {
                Control = new ControlSocket(parsed.GetValue(control) ?? ControlSocket.DefaultPath, parsed.GetValue(control) is not null),
                CacheBytes = parsed.GetValue(cache),
                StateDirectory = parsed.GetRequiredValue(state),
                StartsWithoutDevices = parsed.GetResult(state)?.Implicit ?? true,
                KubeletDirectory = parsed.GetRequiredValue(kubelet),
                LogLevel = parsed.GetValue(logLevel),
            },
            parsed.GetValue(stopTimeout),
            output,
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(ServeOptions options, TimeSpan? stopTimeout, Output output, CancellationToken cancellation)
    {
        using var termination = new Termination(takesSecond: true);
        using var logs = ServerLogs.ToErrorStream(options.LogLevel);
        var host = await ServerHost.StartAsync(options, logs).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            Announce(options, host, output);
            await termination.WaitAsync(cancellation).ConfigureAwait(false);
            await host.Engine.DrainAsync(stopTimeout, termination.Insisted).ConfigureAwait(false);
        }

        return ExitCodes.Success;
    }

    private static void Announce(ServeOptions options, ServerHost host, Output output)
    {
        var report = new
        {
            Ready = true,
            Endpoint = $"unix://{options.SocketPath}",
            options.NodeId,
            Nbd = options.NbdPath,
            Control = host.ControlPath is { } control ? $"unix://{control}" : null,
            Metrics = host.MetricsAddress?.ToString().TrimEnd('/'),
            NodeService = host.OffersNode,
            Pools = PoolSummary.Of(host.Pools),
        };
        var nbd = report.Nbd is null ? "" : $", nbd {report.Nbd}";
        var metrics = report.Metrics is null ? "" : $", metrics {report.Metrics}/metrics";
        output.Print(report, $"ready: csi {report.Endpoint}{nbd}{metrics}, pools {PoolSummary.Text(report.Pools)}");
    }
}
