using System.CommandLine;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Cli.Tools;

namespace CsiThin.Driver.Cli;

/// <summary>What is done to a whole pool; the tools that look at metadata of any origin are in a folder of their own.</summary>
internal static class PoolCommands
{
    private const long BlockMultipleBytes = 64 << 10;
    private const long BlockMaximumBytes = 1 << 30;

    /// <summary>The command <c>pool</c>.</summary>
    public static Command Build(CommandLine line) => new("pool", "Make, look at and look after pools, and any dm-thin metadata")
    {
        Format(line), DeclareCommand.Build(line), ForgetCommand.Build(line), Status(line),
        ServedPoolCommands.Grow(line), ServedPoolCommands.Served(line),
        Table(line), Metadata(line),
        CheckCommand.Build(line), DumpCommand.Build(line), DeltaCommand.Build(line), ListCommand.Build(line), RmapCommand.Build(line),
        RestoreCommand.Build(line), RepairCommand.Build(line), TrimCommand.Build(line), MetadataSizeCommand.Build(line),
    };

    /// <summary>The option --block, also of <c>serve --pool</c>.</summary>
    public static string? CheckBlock(long blockBytes) => blockBytes > BlockMaximumBytes
        ? $"a data block of {SizeText.Format(blockBytes)} is too large; it has 64 KiB to 1 GiB"
        : null;

    private static Command Format(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var size = Arguments.Size(
            "--size", "Make the file, or extend it, to this size (sparse); a device, or a file as it is, needs none", 4096);
        var block = Arguments.Size("--block", "Data block: 64K (the default) to 1G, a multiple of 64K", BlockMultipleBytes, CheckBlock);
        var force = new Option<bool>("--force") { Description = "Format although the device holds data. Never overrides a device in use" };
        var command = new Command("format", "Make a new pool") { path, size, block, force };
        line.SetAction(command, (parsed, output) =>
        {
            var where = parsed.GetRequiredValue(path);
            ThinPool.Format(where, new PoolFormatOptions
            {
                SizeBytes = parsed.GetValue(size),
                DataBlockBytes = parsed.GetValue(block) ?? BlockMultipleBytes,
                Force = parsed.GetValue(force),
            });
            using var pool = PoolInspector.Open(where);
            var report = PoolReport.Of(pool.Status, pool.Volumes);
            output.Print(
                report,
                $"pool {report.Uuid} on {where}: {SizeText.Format((long)report.DataBlocks.Total * report.DataBlockBytes)} for data");
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Status(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var engine = ControlSocket.Connect();
        var command = new Command("status", "Show a pool's state and volumes, also while it is served") { path, engine };
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var (status, volumes) = await PoolAccess.LookAsync(parsed.GetRequiredValue(path), parsed.GetValue(engine), cancellation)
                .ConfigureAwait(false);
            var report = PoolReport.Of(status, volumes);
            output.Print(report, report.Write);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Metadata(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var file = Arguments.Text("FILE", "Where the copy goes; an existing file is overwritten");
        var command = new Command("metadata", "Copy the metadata region out, for the kernel's tools") { path, file };
        line.SetAction(command, (parsed, output) =>
        {
            var from = parsed.GetRequiredValue(path);
            var to = parsed.GetRequiredValue(file);
            if (RealPath(from) == RealPath(to))
                throw new CliException($"{to} is the pool itself; the copy must go elsewhere");
            using var pool = PoolInspector.Open(from);
            using var copy = new FileStream(to, FileMode.Create, FileAccess.Write, FileShare.None);
            pool.CopyMetadata(copy);
            var lengthBytes = pool.Metadata.LengthBytes;
            output.Print(new { File = to, LengthBytes = lengthBytes }, $"{lengthBytes} bytes of metadata copied to {to}");
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Table(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var command = new Command("table", "Print the dmsetup lines that make the kernel serve the pool and its volumes") { path };
        line.SetAction(command, (parsed, output) =>
        {
            var where = parsed.GetRequiredValue(path);
            using var pool = PoolInspector.Open(where);
            var real = RealPath(where);
            var isDevice = real.StartsWith("/dev/", StringComparison.Ordinal) && !real.StartsWith("/dev/shm/", StringComparison.Ordinal);
            var devices = DmTable.Of(isDevice ? real : "/dev/loopN", pool.Status, pool.Volumes.Select(usage => usage.Volume));
            output.Print(devices, text => DmTable.Write(text, devices, isDevice ? null : Path.GetFullPath(where)));
            return ExitCodes.Success;
        });
        return command;
    }

    private static string RealPath(string path) =>
        (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? Path.GetFullPath(path);
}
