using System.Diagnostics;
using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Dump;

namespace CsiThin.Core.Bench;

/// <summary>
/// Our tools beside thin-provisioning-tools on one metadata file, round after round in one run. Ours are measured inside this process, so a
/// program's start (about 0.1 s) is not in it; the others' is. Prints elapsed and processor time. A file that is not there is made: a
/// volume with 16 million mappings, and a snapshot of it in which every 64th block has been written since.
/// </summary>
internal static class ToolsBench
{
    private const int Rounds = 3;

    /// <summary>Measures on <paramref name="metadata"/>; the other programs come from each of <paramref name="directories"/>.</summary>
    public static int Run(string metadata, IReadOnlyList<string> directories)
    {
        if (!File.Exists(metadata))
            ToolsBenchMetadata.Make(metadata);
        var thins = List(metadata);
        Console.WriteLine($"{metadata}: {thins.Count} devices, {thins.Aggregate(0UL, (sum, thin) => sum + thin.MappedBlocks)} mappings");
        for (var round = 0; round < Rounds; round++)
        {
            Console.WriteLine($"round {round}");
            Measure("check", () => MetadataChecker.Check(Open(metadata)).Count, directories, $"thin_check -q {metadata}");
            var (left, right) = (thins[0].Id, thins[^1].Id);
            Measure(
                $"delta of {left} and {right}", () => Delta(metadata, left, right), directories,
                $"thin_delta --thin1 {left} --thin2 {right} {metadata}");
            Measure("dump", () => Dump(metadata), directories, $"thin_dump {metadata}");
        }
        return 0;
    }

    private static void Measure(string name, Func<int> ours, IReadOnlyList<string> directories, string theirs)
    {
        var clock = Stopwatch.StartNew();
        var result = 0;
        var processor = ScaleReport.Processor(() => result = ours()).TotalSeconds;
        var seconds = clock.Elapsed.TotalSeconds;
        Console.WriteLine($"  {name,-28} ours {seconds,8:F2} s, {processor,6:F2} s of processor time ({result})");
        foreach (var directory in directories)
        {
            clock.Restart();
            var used = RunProgram(Path.Combine(directory, theirs)).TotalSeconds;
            var other = clock.Elapsed.TotalSeconds;
            Console.WriteLine($"  {"",-28} {directory} {other,8:F2} s, {used,6:F2} s; ours takes {seconds / other:F2} of it");
        }
    }

    private static TimeSpan RunProgram(string commandLine)
    {
        var before = ChildrenProcessor();
        var parts = commandLine.Split(' ');
        var start = new ProcessStartInfo(parts[0], parts[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{parts[0]} did not start");
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.BaseStream.CopyTo(Stream.Null);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{commandLine} exited with {process.ExitCode}: {errors.Result}");
        return ChildrenProcessor() - before;
    }

    /// <summary>The processor time of all programs that this one has started and that have ended.</summary>
    private static TimeSpan ChildrenProcessor()
    {
        const int UserField = 15, SystemField = 16, TicksPerSecond = 100; // proc_pid_stat(5): cutime, cstime
        var fields = File.ReadAllText("/proc/self/stat").Split(' ');
        return TimeSpan.FromSeconds((double)(Ticks(UserField) + Ticks(SystemField)) / TicksPerSecond);

        long Ticks(int field) => long.Parse(fields[field], CultureInfo.InvariantCulture);
    }

    private static FileDisk Open(string path) => FileDisk.Open(path, new FileDiskOptions { ReadOnly = true });

    private static IReadOnlyList<ThinDeviceInfo> List(string path)
    {
        using var disk = Open(path);
        using var metadata = ThinMetadata.Open(disk, new ThinMetadataOptions { ReadOnly = true });
        return metadata.ListThins();
    }

    private static int Delta(string path, ThinId left, ThinId right)
    {
        using var disk = Open(path);
        using var output = new StreamWriter(Stream.Null);
        MetadataDelta.Write(disk, left, right, new DeltaOptions(), output, ToolRun.Quiet);
        return 0;
    }

    private static int Dump(string path)
    {
        using var disk = Open(path);
        using var output = new StreamWriter(Stream.Null);
        MetadataDump.Write(disk, output);
        return 0;
    }
}
