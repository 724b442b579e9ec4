using System.CommandLine;
using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tools;
using CsiThin.Driver.Control;
using Grpc.Core;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>
/// <c>pool trim</c>: discards the free data space, so that a file below takes up less and a solid-state disk knows what it may forget. A
/// pool that is served is trimmed by its engine; other metadata needs its data device named, and has to be sound.
/// </summary>
internal static class TrimCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var data = new Option<string?>("--data")
        {
            Description = "With --metadata: the data device, which loses what the metadata counts as free",
            HelpName = "FILE|DEVICE",
        };
        var command = new Command(
            "trim",
            "Discard free data space, also of a pool that is served. Prints bytes. Example: csi-thin pool trim /var/lib/csithin.pool")
        {
            data,
        };
        var target = new MetadataArguments(command, takesLive: true, takesSnapshot: false);
        Arguments.AddRule(command, result =>
        {
            if (target.IsPool(result) == result.GetValue(data) is not null)
                result.AddError("--data and --metadata go together");
        });
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var discardedBytes = await ToolRunner.RunAsync(
                output, run => TrimAsync(target.Read(parsed), parsed.GetValue(data), run), cancellation).ConfigureAwait(false);
            output.Print(
                new { DiscardedBytes = discardedBytes }, $"{discardedBytes} bytes ({SizeText.Format(discardedBytes)}) discarded");
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<long> TrimAsync(MetadataTarget target, string? dataPath, ToolRun run)
    {
        if (dataPath is not null)
            return TrimPlain(target, dataPath, run);
        try
        {
            return PoolOpening.With(target.Path, pool => pool.Trim(run));
        }
        catch (PoolException busy) when (busy.Error == PoolError.Busy)
        {
            return await TrimLiveAsync(target, busy, run).ConfigureAwait(false);
        }
    }

    private static async Task<long> TrimLiveAsync(MetadataTarget target, PoolException busy, ToolRun run)
    {
        Guid uuid;
        using (var pool = PoolInspector.Observe(target.Path))
            uuid = pool.Uuid;
        using var engine = new ControlClient(target.ControlPath!);
        try
        {
            return (long)await engine.TrimAsync(uuid, run).ConfigureAwait(false);
        }
        catch (RpcException refused)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            throw MetadataSource.LiveRefusal(target, busy.Message, refused);
        }
    }

    // Wrong counts would have data discarded that is in use, so the metadata is checked first.
    private static long TrimPlain(MetadataTarget target, string dataPath, ToolRun run)
    {
        using var source = MetadataSource.OpenForWriting(target, "trim");
        using var data = FileDisk.Open(dataPath);
        return source.Read(metadata => MetadataTrim.Run(metadata, data, run));
    }
}
