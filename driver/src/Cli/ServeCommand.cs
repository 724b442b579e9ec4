using System.CommandLine;
using System.Net;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace CsiThin.Driver.Cli;

/// <summary><c>serve</c>: engine, NBD, CSI and metrics in one process until SIGTERM.</summary>
internal static class ServeCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var endpoint = Arguments.Parsed<string>("--endpoint", "unix:///PATH", "CSI socket (mode 0600)", ServeOptions.ParseEndpoint);
        endpoint.Required = true;
        var node = Arguments.Parsed<string>("--node-id", "NAME", "Name of this node, as in its topology label", ServeOptions.ParseNodeId);
        node.Required = true;
        var pools = Pools();
        var nbd = new Option<string>("--nbd")
        {
            Description = "NBD socket (mode 0600) with every volume and snapshot under its handle",
            HelpName = "PATH",
        };
        var metrics = Arguments.Parsed<IPEndPoint>(
            "--metrics", "ADDRESS:PORT", "Where /metrics and /healthz answer; port 0 takes a free one", ParseAddress);
        var control = ControlSocket.Option();
        var command = new Command("serve", "Serve pools: CSI on a socket, volumes over NBD, metrics")
        {
            endpoint, node, pools, nbd, metrics, control,
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
            },
            output,
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(ServeOptions options, Output output, CancellationToken cancellation)
    {
        using var termination = new Termination();
        using var logs = Logs();
        var host = await ServerHost.StartAsync(options, logs).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            Announce(options, host, output);
            await termination.WaitAsync(cancellation).ConfigureAwait(false);
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
            Pools = host.Pools.All.Select(pool => new { pool.Name, Uuid = pool.Pool.Uuid.ToString("N") }).ToList(),
        };
        var nbd = report.Nbd is null ? "" : $", nbd {report.Nbd}";
        var metrics = report.Metrics is null ? "" : $", metrics {report.Metrics}/metrics";
        var pools = string.Join(", ", report.Pools.Select(pool => pool.Name));
        output.Print(report, $"ready: csi {report.Endpoint}{nbd}{metrics}, pools {pools}");
    }

    /// <summary>Logs go to the error stream, one line each, so that the output is the ready line alone.</summary>
    public static ILoggerFactory Logs() => LoggerFactory.Create(builder => builder
        .AddFilter("Microsoft", LogLevel.Warning)
        .AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            options.UseUtcTimestamp = true;
            options.ColorBehavior = LoggerColorBehavior.Disabled;
        })
        .Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace));

    private static Option<PoolOption[]> Pools() => new("--pool")
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
