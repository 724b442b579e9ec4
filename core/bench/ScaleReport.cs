using System.Diagnostics;
using System.Globalization;

namespace CsiThin.Core.Bench;

/// <summary>Lines of the scale benchmark: what, how much, the mark it was to reach, and whether it did.</summary>
internal static class ScaleReport
{
    public static void AtMost(string what, double value, double limit, string unit) =>
        Line(what, value, "at most", limit, unit, value <= limit);

    public static void AtLeast(string what, double value, double limit, string unit) =>
        Line(what, value, "at least", limit, unit, value >= limit);

    public static void Say(FormattableString text) => Console.WriteLine("  " + text.ToString(CultureInfo.InvariantCulture));

    public static TimeSpan Time(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>The processor time of this process, which others on the machine do not add to.</summary>
    public static TimeSpan Processor(Action action)
    {
        var before = Environment.CpuUsage.TotalTime;
        action();
        return Environment.CpuUsage.TotalTime - before;
    }

    /// <summary>The most memory this process ever had, against its stated cache and 100 MB.</summary>
    public static void Memory(long cacheBytes)
    {
        var peak = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        var kilobytes = double.Parse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        var garbage = GC.GetGCMemoryInfo();
        Say($"managed memory: {garbage.TotalCommittedBytes >> 20} MiB committed, {garbage.HeapSizeBytes >> 20} MiB at the last collection");
        AtMost("peak resident set", kilobytes / 1024, (cacheBytes >> 20) + 100, "MiB");
    }

    private static void Line(string what, double value, string relation, double limit, string unit, bool isMet) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {(isMet ? "ok  " : "MISS")} {what}: {value:#,0.##} {unit} ({relation} {limit:#,0.##})"));
}
