using System.CommandLine;

namespace CsiThin.Driver.Cli.Demo;

/// <summary><c>demo</c>: the main job, by itself, on a pool in a file.</summary>
internal static class DemoCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var directory = new Option<string>("--dir")
        {
            Description = "Keep the pool in this directory; without it everything is removed at the end",
            HelpName = "DIR",
        };
        var command = new Command("demo", "Show it all: pool, CSI volume filled over NBD, snapshot, change, clone, comparison");
        command.Options.Add(directory);
        line.SetAction(command, (parsed, output, _) => RunAsync(parsed.GetValue(directory), output));
        return command;
    }

    private static async Task<int> RunAsync(string? keep, Output output)
    {
        // Sockets live in a directory of their own: the path of a unix socket has at most 107 bytes, and nobody else can enter it.
        var scratch = Directory.CreateTempSubdirectory("csithin-demo-");
        try
        {
            var poolPath = keep is null ? Path.Combine(scratch.FullName, "pool.img") : NewPoolPath(keep);
            var progress = output.Format == OutputFormat.Json ? output.Error : output.Out;
            using var termination = new Termination();
            var run = new DemoRun(scratch.FullName, poolPath, Tool.Find, step => Show(progress, step)).RunAsync();
            if (await Task.WhenAny(run, termination.WaitAsync(CancellationToken.None)).ConfigureAwait(false) != run)
                throw new CliException("the demo was interrupted");
            var report = await run.ConfigureAwait(false) with { PoolPath = keep is null ? null : poolPath };
            output.Print(report, text => Summarise(text, report));
            return ExitCodes.Success;
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    private static string NewPoolPath(string directory)
    {
        Directory.CreateDirectory(directory);
        var names = Enumerable.Range(1, 10_000).Select(i => i == 1 ? "pool.img" : FormattableString.Invariant($"pool-{i}.img"));
        return names.Select(name => Path.Combine(directory, name)).First(path => !File.Exists(path));
    }

    private static void Show(TextWriter output, DemoStep step)
    {
        var used = SizeText.Format(step.UsedBytes);
        output.WriteLine(FormattableString.Invariant($"{step.Seconds,7:0.00} s  {used,9} used  {step.Name}: {step.Detail}"));
        output.Flush();
    }

    private static void Summarise(TextWriter output, DemoReport report)
    {
        var (used, total) = (SizeText.Format(report.UsedBytes), SizeText.Format(report.PoolBytes));
        var fullness = FormattableString.Invariant($"{report.FullPercent} % full: {used} of {total}");
        output.WriteLine(FormattableString.Invariant($"passed in {report.Seconds:0.0} s; the pool is {fullness}"));
        if (report.PoolPath is { } path)
            output.WriteLine($"the pool is left in {path}; try: csi-thin pool status {path}");
    }
}
