using System.CommandLine;
using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Restore;

namespace CsiThin.Driver.Cli.Tools;

/// <summary><c>pool restore</c>: makes metadata from the XML of a dump, of either generation of the tools.</summary>
internal static class RestoreCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var xml = Arguments.Text("XML", "The text of a dump; - reads the standard input");
        var size = Arguments.Size("--size", "With --metadata: make the file, of this size, a multiple of 4K", 4096);
        var force = new Option<bool>("--force")
        {
            Description = "Replace the metadata of a pool, or with --metadata whatever the device holds; all that it had is lost",
        };
        var command = new Command(
            "restore",
            "Make metadata from the XML of a dump. What is there stays as it is until all of the text is read and found good. " +
            "Example: csi-thin pool restore pool.xml --metadata new.bin --size 64M")
        {
            xml, size, force,
        };
        var target = new MetadataArguments(command, takesLive: false, takesSnapshot: false);
        Arguments.AddRule(command, result =>
        {
            if (target.IsPool(result) && !result.GetValue(force))
                result.AddError("PATH is a pool, whose metadata this would replace: --force says that it shall");
            if (target.IsPool(result) && result.GetValue(size) is not null)
                result.AddError("--size is for a new file of --metadata; a pool has its size");
        });
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var report = await ToolRunner.RunAsync(
                output,
                async run =>
                {
                    var path = parsed.GetRequiredValue(xml);
                    var input = await SpooledInput.OpenAsync(path, run.Cancellation).ConfigureAwait(false);
                    await using (input.ConfigureAwait(false))
                    {
                        var job = new RestoreJob(input, path, target.Read(parsed), run);
                        return target.IsPool(parsed.CommandResult)
                            ? job.ToPool()
                            : job.ToMetadata(parsed.GetValue(size), parsed.GetValue(force));
                    }
                },
                cancellation).ConfigureAwait(false);
            report.Print(output);
            return report.CatalogFindings.Count == 0 ? ExitCodes.Success : ExitCodes.Failed;
        });
        return command;
    }
}

/// <summary>What a restore made, as it is printed. The fields are promised; later versions may add to them.</summary>
internal sealed record RestoreReport(
    int Devices, ulong Mappings, ulong MetadataBlocks, IReadOnlyList<string> Warnings, IReadOnlyList<string> CatalogFindings)
{
    /// <summary>The report on one restore.</summary>
    public static RestoreReport Of(RestoreResult result, IReadOnlyList<string> catalogFindings) =>
        new(result.Devices, result.Mappings, result.MetadataBlocks, result.Warnings, catalogFindings);

    /// <summary>Prints it.</summary>
    public void Print(Output output) => output.Print(this, text =>
    {
        foreach (var sentence in Warnings.Concat(CatalogFindings))
            text.WriteLine(sentence);
        text.WriteLine($"{Devices} thin devices with {Mappings} mappings restored, {MetadataBlocks} metadata blocks of 4096 bytes in use");
    });
}

/// <summary>One restore, from a text that can be read twice.</summary>
internal sealed class RestoreJob(FileStream xml, string xmlPath, MetadataTarget target, ToolRun run)
{
    /// <summary>Restores to a device or file of its own.</summary>
    public RestoreReport ToMetadata(long? newBytes, bool force)
    {
        using var to = MetadataOutput.Open(target.Path, newBytes, xmlPath, force);
        var result = Restore(to.Disk, target.Path);
        to.Complete();
        return RestoreReport.Of(result, []);
    }

    /// <summary>
    /// Replaces the metadata of a pool: restores to a file beside first, so that the pool stays as it is until the whole of the new
    /// metadata is there and fits the pool.
    /// </summary>
    public RestoreReport ToPool()
    {
        using var source = MetadataSource.OpenForWriting(target, "restore");
        var pool = source.Pool!;
        using var staging = new StagingDisk(pool.Metadata.LengthBytes);
        var result = Restore(staging.Disk, target.Path);
        PoolFit.Require(pool, staging.Disk, xmlPath);
        MetadataInstall.Copy(staging.Disk, pool.Metadata, run);
        return RestoreReport.Of(result, pool.CheckCatalog());
    }

    private RestoreResult Restore(IDisk to, string toPath)
    {
        try
        {
            return MetadataRestore.Restore(xml, to, new RestoreOptions(), run);
        }
        catch (MetadataException refusal)
        {
            throw new CliException(
                refusal.Error == MetadataError.Invalid ? $"{xmlPath}: {refusal.Message}" : $"{toPath}: {refusal.Message}");
        }
    }
}
