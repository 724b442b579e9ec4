using System.CommandLine;
using CsiThin.Core.Tools;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli.Tools;

/// <summary><c>pool ls</c>: the thin devices of a pool, with what each of them alone keeps from being free.</summary>
internal static class ListCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var command = new Command(
            "ls",
            "List thin devices with what each maps, alone (exclusive) and together with others (shared), as thin_ls does. Times are the " +
            "pool's own, raised by each snapshot. Example: csi-thin pool ls /var/lib/csithin.pool");
        var target = new MetadataArguments(command, takesLive: true, takesSnapshot: true);
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var listed = await ToolRunner.RunAsync(
                output, run => ListAsync(target.Read(parsed), run), cancellation).ConfigureAwait(false);
            output.Print(listed, text => Write(text, listed));
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<IReadOnlyList<ThinReport>> ListAsync(MetadataTarget target, ToolRun run)
    {
        using var source = await MetadataSource.OpenAsync(target, run.Cancellation).ConfigureAwait(false);
        var pool = source.Read(disk => MetadataListing.Read(disk, source.State, run));
        return [.. pool.Devices.Select(device => ThinReport.Of(device, pool.DataBlockBytes, source.Names.GetValueOrDefault(device.Id)))];
    }

    private static void Write(TextWriter text, IReadOnlyList<ThinReport> thins)
    {
        if (thins.Count == 0)
        {
            text.WriteLine("no thin devices");
            return;
        }

        string[] heading = ["ID", "MAPPED", "EXCLUSIVE", "SHARED", "TRANSACTION", "CREATED", "SNAPSHOTTED", "KIND", "NAME"];
        Output.Table(text, [heading, .. thins.Select(thin => thin.Cells())]);
    }
}

/// <summary>A thin device as <c>pool ls</c> prints it. The fields are promised; later versions may add to them.</summary>
/// <param name="ThinId">Its id in the metadata.</param>
/// <param name="MappedBytes">What it maps.</param>
/// <param name="ExclusiveBytes">What would be free without it.</param>
/// <param name="SharedBytes">What others map too.</param>
/// <param name="MappedBlocks">The same in data blocks.</param>
/// <param name="ExclusiveBlocks">The same in data blocks.</param>
/// <param name="SharedBlocks">The same in data blocks.</param>
/// <param name="TransactionId">The pool's transaction id when it was made.</param>
/// <param name="CreationTime">The pool's time when it was made.</param>
/// <param name="SnapshottedTime">The pool's time when it was last snapshotted, or made.</param>
/// <param name="Id">Its handle; null where it is no volume of ours.</param>
/// <param name="Name">Its name, likewise.</param>
/// <param name="Kind">"volume" or "snapshot", likewise.</param>
internal sealed record ThinReport(
    uint ThinId,
    long MappedBytes,
    long ExclusiveBytes,
    long SharedBytes,
    ulong MappedBlocks,
    ulong ExclusiveBlocks,
    ulong SharedBlocks,
    ulong TransactionId,
    uint CreationTime,
    uint SnapshottedTime,
    string? Id,
    string? Name,
    string? Kind)
{
    /// <summary>The report on one device.</summary>
    public static ThinReport Of(DeviceOccupancy device, long blockBytes, NamedThin? named) => new(
        device.Id.Value,
        (long)device.MappedBlocks * blockBytes,
        (long)device.ExclusiveBlocks * blockBytes,
        (long)device.SharedBlocks * blockBytes,
        device.MappedBlocks,
        device.ExclusiveBlocks,
        device.SharedBlocks,
        device.TransactionId,
        device.CreationTime,
        device.SnapshottedTime,
        named?.Id,
        named?.Name,
        named is null ? null : Describe.Kind(named.Kind));

    /// <summary>A row for people.</summary>
    public string[] Cells() =>
    [
        $"{ThinId}", SizeText.Format(MappedBytes), SizeText.Format(ExclusiveBytes), SizeText.Format(SharedBytes), $"{TransactionId}",
        $"{CreationTime}", $"{SnapshottedTime}", Kind ?? "-", Name ?? "-",
    ];
}
