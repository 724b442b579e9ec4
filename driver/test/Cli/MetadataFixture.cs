using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Driver.Tests.Cli;

/// <summary>Files with dm-thin metadata and nothing else.</summary>
internal static class MetadataFixture
{
    public const ulong DataBlocks = 1000;
    public const int DataBlockBytes = 64 << 10;

    /// <summary>
    /// Makes a file with two thin devices: 1 has the blocks [0, <paramref name="mapped"/>) mapped, and 2 is a snapshot of it that was
    /// changed at block 3.
    /// </summary>
    public static void Make(string path, ulong mapped = 20)
    {
        using var disk = FileDisk.Create(path, 4 << 20);
        ThinMetadata.Format(disk, DataBlockBytes / 512, DataBlocks);
        using var metadata = ThinMetadata.Open(disk, new ThinMetadataOptions());
        metadata.CreateThin(new ThinId(1));
        using (var thin = metadata.OpenThin(new ThinId(1)))
        {
            for (var block = 0UL; block < mapped; block++)
                Map(metadata, thin, block);
        }

        metadata.CreateSnapshot(new ThinId(2), new ThinId(1));
        using (var snapshot = metadata.OpenThin(new ThinId(2)))
            Map(metadata, snapshot, 3);
        metadata.Commit();
    }

    /// <summary>Adds an empty thin device to the metadata on a disk, as a foreign tool would, behind any catalog's back.</summary>
    public static void AddThin(IDisk disk, uint id, ulong mapped)
    {
        using var metadata = ThinMetadata.Open(disk, new ThinMetadataOptions());
        metadata.CreateThin(new ThinId(id));
        using (var thin = metadata.OpenThin(new ThinId(id)))
        {
            for (var block = 0UL; block < mapped; block++)
                Map(metadata, thin, block);
        }

        metadata.Commit();
    }

    private static void Map(ThinMetadata metadata, ThinDevice thin, ulong block)
    {
        if (!metadata.TryAllocateDataBlock(out var data))
            throw new InvalidOperationException("no data block is free");
        metadata.Insert(thin, new VirtualBlock(block), data);
    }
}
