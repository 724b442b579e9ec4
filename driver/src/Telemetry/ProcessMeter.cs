using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CsiThin.Driver.Telemetry;

/// <summary>The process itself, under the names that dashboards expect of any Prometheus client.</summary>
internal sealed class ProcessMeter : IDisposable
{
    private readonly Meter _meter = new("CsiThin.Process");
    private readonly Process _process = Process.GetCurrentProcess();

    /// <summary>Publishes the instruments.</summary>
    public ProcessMeter(string version)
    {
        var started = new DateTimeOffset(_process.StartTime).ToUnixTimeMilliseconds() / 1000.0;
        _meter.CreateObservableGauge(
            "csithin.build.info",
            () => new Measurement<long>(1, new KeyValuePair<string, object?>("version", version)),
            null,
            "1, labelled with the version of csi-thin.");
        _meter.CreateObservableCounter(
            "process.cpu", () => Fresh().TotalProcessorTime.TotalSeconds, "s", "User and system CPU time spent.");
        _meter.CreateObservableGauge("process.resident.memory", () => Fresh().WorkingSet64, "By", "Resident memory size.");
        _meter.CreateObservableGauge("process.virtual.memory", () => Fresh().VirtualMemorySize64, "By", "Virtual memory size.");
        _meter.CreateObservableGauge("process.start.time", () => started, "s", "Start time of the process since the Unix epoch.");
        _meter.CreateObservableGauge("process.open.fds", CountDescriptors, "{fd}", "Open file descriptors.");
        _meter.CreateObservableGauge("process.threads", () => Fresh().Threads.Count, "{thread}", "Threads of the process.");
        _meter.CreateObservableGauge("dotnet.gc.heap", () => GC.GetTotalMemory(forceFullCollection: false), "By", "Managed memory in use.");
        _meter.CreateObservableCounter("dotnet.gc.collections", ObserveCollections, "{collection}", "Garbage collections, by generation.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _meter.Dispose();
        _process.Dispose();
    }

    private Process Fresh()
    {
        _process.Refresh();
        return _process;
    }

    private static long CountDescriptors() =>
        Directory.Exists("/proc/self/fd") ? Directory.EnumerateFileSystemEntries("/proc/self/fd").LongCount() : 0;

    private static IEnumerable<Measurement<long>> ObserveCollections() => Enumerable.Range(0, GC.MaxGeneration + 1)
        .Select(one => new Measurement<long>(GC.CollectionCount(one), KeyValuePair.Create("generation", (object?)one)));
}
