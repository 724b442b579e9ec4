using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Pool;

/// <summary>A pool file whose metadata and data lie in two extents, because it was formatted small and has grown.</summary>
internal static class GrownPool
{
    /// <summary>So small that a volume with anything on it reaches into the second extent's data.</summary>
    private const string FormattedSize = "8M";

    private const ulong FillerBlocks = 150_000; // 252 to a leaf

    private const long GrownBytes = 12L << 30; // sparse

    /// <summary>Formats and grows it by the commands.</summary>
    public static void Make(string path)
    {
        Support.Program.Json("pool", "format", path, "--size", FormattedSize);
        Tool.Run("truncate", "-s", $"{GrownBytes}", path);
        Assert.True(Support.Program.Json("pool", "grow", path).GetProperty("gainedBytes").GetInt64() > 0);
    }

    /// <summary>
    /// Makes a volume 'filler' that reads as zeroes and has more mappings than the first extent's metadata has room for.
    /// </summary>
    public static void Fill(string path)
    {
        ThinId id;
        using (var pool = ThinPool.Open(path, new PoolOpenOptions()))
        {
            id = pool.Create(new VolumeSpec { Name = "filler", SizeBytes = (long)FillerBlocks * PoolLayout.DataBlockBytesMin }).ThinId;
            pool.Close();
        }
        using (var disk = FileDisk.Open(path))
        using (var parts = PoolDisk.Open(disk))
        using (var metadata = parts.OpenMetadata(readOnly: false, PoolOpenOptions.MetadataCacheBytesMin))
        {
            using var thin = metadata.OpenThin(id);
            for (var block = 0ul; block < FillerBlocks; block++)
            {
                Assert.True(metadata.TryAllocateDataBlock(out var fresh), "no data block is free");
                metadata.Insert(thin, new VirtualBlock(block), fresh);
            }
            metadata.Commit();
        }
        AssertReachesSecondExtent(path);
    }

    /// <summary>More metadata is in use than the first extent has room for.</summary>
    public static void AssertReachesSecondExtent(string path)
    {
        using var inspector = PoolInspector.Open(path);
        var status = inspector.Status;
        Assert.Equal(2, status.Extents.Count);
        var usedBytes = (long)status.MetadataBlocksUsed * PoolLayout.MetadataBlockBytes;
        Assert.InRange(usedBytes, status.Extents[0].Metadata.LengthBytes, long.MaxValue);
    }
}
