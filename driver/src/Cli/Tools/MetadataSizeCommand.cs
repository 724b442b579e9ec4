using System.CommandLine;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Cli.Tools;

/// <summary><c>pool metadata-size</c>: how large a metadata device should be, by the estimate of thin_metadata_size.</summary>
internal static class MetadataSizeCommand
{
    private const long MetadataBlockBytes = 4096;
    private const long SectorBytes = 512;

    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var pool = Arguments.Size("--pool-size", "Size of the data device", SectorBytes);
        pool.Required = true;
        var block = Arguments.Size("--block", "Data block: 64K to 1G, a multiple of 64K", SectorBytes);
        block.Required = true;
        var thins = new Option<uint>("--max-thins")
        {
            Description = "Thin devices and snapshots in all, at most",
            HelpName = "COUNT",
            Required = true,
        };
        var command = new Command(
            "metadata-size",
            "Say how large a metadata device should be (bytes, a multiple of 4096), as thin_metadata_size 1.1 does. Example: " +
            "csi-thin pool metadata-size --pool-size 1T --block 64K --max-thins 1000")
        {
            pool, block, thins,
        };
        line.SetAction(command, (parsed, output) =>
        {
            var blocks = Estimate(parsed.GetValue(pool)!.Value, parsed.GetValue(block)!.Value, parsed.GetValue(thins));
            var bytes = (long)blocks * MetadataBlockBytes;
            output.Print(new { Blocks = blocks, Bytes = bytes }, $"{bytes} bytes ({SizeText.Format(bytes)})");
            return ExitCodes.Success;
        });
        return command;
    }

    private static ulong Estimate(long poolBytes, long blockBytes, uint thins)
    {
        try
        {
            return MetadataSize.EstimateBlocks((ulong)poolBytes, (ulong)blockBytes, thins);
        }
        catch (MetadataException refusal)
        {
            throw new CliException(refusal.Message, ExitCodes.Usage);
        }
    }
}
