using System.CommandLine;
using CsiThin.Driver.Attach;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary><c>engine</c>: pools, block devices, NBD and metrics in a process of their own.</summary>
internal static class EngineCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var pools = ServerArguments.Pools();
        pools.Required = false;
        var declared = new Option<string?>("--pools")
        {
            Description = "Declared pools to make where needed and to serve; see pool declare",
            HelpName = "FILE",
        };
        var labels = new NodeLabelArguments();
        var socket = ControlSocket.Listen();
        var state = ServerArguments.StateDirectory(DeviceOptions.DefaultStateDirectory, "Where the attachment journal lies");
        var nbd = ServerArguments.Nbd();
        var metrics = ServerArguments.Metrics();
        var cache = ServerArguments.Cache();
        var stopTimeout = ServerArguments.StopTimeout();
        var logLevel = ServerLogs.Level();
        var command = new Command(
            "engine",
            "Own the pools and the data path, in a process that restarts rarely. Example: csi-thin engine --pool fast=/dev/sdb. "
            + "SIGTERM: it serves on while volumes are attached and says which; a second SIGTERM leaves them to the next engine")
        {
            pools, declared, socket, state, nbd, metrics, cache, stopTimeout, logLevel,
        };
        labels.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(pools) is null && result.GetResult(declared) is null)
                result.AddError("which pools? Say --pool NAME=PATH, or --pools FILE with declared ones");
        });
        line.SetAction(command, (parsed, output, cancellation) => RunAsync(
            new EngineOptions(parsed.GetValue(pools) ?? [])
            {
                Control = new ControlSocket(parsed.GetValue(socket) ?? ControlSocket.DefaultPath, IsRequired: true),
                StateDirectory = parsed.GetRequiredValue(state),
                NbdPath = parsed.GetValue(nbd),
                Metrics = parsed.GetValue(metrics),
                CacheBytes = parsed.GetValue(cache),
                LogLevel = parsed.GetValue(logLevel),
            },
            parsed.GetValue(declared),
            labels.Read(parsed),
            parsed.GetValue(stopTimeout),
            output,
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        EngineOptions options,
        string? declared,
        NodeLabels labels,
        TimeSpan? stopTimeout,
        Output output,
        CancellationToken cancellation)
    {
        using var termination = new Termination(takesSecond: true);
        using var logs = ServerLogs.ToErrorStream(options.LogLevel);
        if (declared is not null)
        {
            var part = await DeclaredPart.ReadAsync(declared, labels, options.StateDirectory!, logs, cancellation).ConfigureAwait(false);
            options = options with { Pools = [.. options.Pools, .. part.Make()], Declared = part };
        }

        var host = await EngineHost.StartAsync(options, logs).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            Announce(options, host, output);
            await termination.WaitAsync(cancellation).ConfigureAwait(false);
            await host.DrainAsync(stopTimeout, termination.Insisted).ConfigureAwait(false);
        }

        return ExitCodes.Success;
    }

    private static void Announce(EngineOptions options, EngineHost host, Output output)
    {
        var report = new
        {
            Ready = true,
            Socket = $"unix://{host.ControlPath}",
            Nbd = options.NbdPath,
            Metrics = host.MetricsAddress?.ToString().TrimEnd('/'),
            options.StateDirectory,
            Pools = PoolSummary.Of(host.Pools),
        };
        var nbd = report.Nbd is null ? "" : $", nbd {report.Nbd}";
        var metrics = report.Metrics is null ? "" : $", metrics {report.Metrics}/metrics";
        output.Print(report, $"ready: engine {report.Socket}{nbd}{metrics}, pools {PoolSummary.Text(report.Pools)}");
    }
}
