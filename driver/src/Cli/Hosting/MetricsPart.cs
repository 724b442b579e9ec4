using System.Net;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Telemetry;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>Metrics and health of a process, whatever its role: what it measures is what its other parts publish.</summary>
internal static partial class MetricsPart
{
    /// <summary>
    /// Answers on <paramref name="address"/> until the parts end; returns where. <paramref name="unhealthy"/> says why a restart would
    /// help, null when it would not.
    /// </summary>
    public static async Task<Uri> StartAsync(HostParts parts, IPEndPoint address, Func<string?> unhealthy, ILoggerFactory logs)
    {
        var log = logs.CreateLogger("CsiThin.Metrics");
        var exporter = parts.Keep(new PrometheusExporter(failure => LogScrapeFailed(log, failure)));
        _ = parts.Keep(new ProcessMeter(IdentityService.Version)); // kept until the end, then disposed
        var server = await MetricsServer.StartAsync(address, exporter, unhealthy).ConfigureAwait(false);
        return parts.KeepAsync(server).Address;
    }

    [LoggerMessage(1, LogLevel.Error, "Some metrics could not be read")]
    private static partial void LogScrapeFailed(ILogger logger, Exception exception);
}
