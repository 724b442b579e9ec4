using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Layout;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>A disk without a name, in a temporary file that takes up only what is written and goes with this object.</summary>
internal sealed class StagingDisk : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"csi-thin-{Path.GetRandomFileName()}");

    /// <summary>Makes it.</summary>
    public StagingDisk(long lengthBytes)
    {
        Disk = FileDisk.Create(_path, lengthBytes);
        // Whatever ends this process, nothing stays behind.
        File.Delete(_path);
    }

    /// <summary>The disk.</summary>
    public FileDisk Disk { get; }

    /// <inheritdoc/>
    public void Dispose() => Disk.Dispose();
}

/// <summary>Whether metadata made elsewhere can take the place of a pool's.</summary>
internal static class PoolFit
{
    /// <summary>Throws <see cref="CliException"/> unless data blocks have the pool's size and are no more than the pool has.</summary>
    public static void Require(PoolInspector pool, IDisk metadata, string what)
    {
        using var made = ThinMetadata.Open(metadata, new ThinMetadataOptions { ReadOnly = true });
        var blockBytes = (long)made.DataBlockSectors * 512;
        if (blockBytes != pool.DataBlockBytes)
            throw new CliException(
                $"{what} has data blocks of {blockBytes} bytes, and the pool has blocks of {pool.DataBlockBytes} bytes");
        if (made.DataBlocks > pool.DataBlocks)
            throw new CliException($"{what} counts {made.DataBlocks} data blocks, and the pool has {pool.DataBlocks}");
    }
}
