using System.Buffers.Binary;
using System.Text.Json;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Cli;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

/// <summary>Damage mended: leaks and the flag in place, lost blocks by new metadata.</summary>
public sealed class RepairCommandTests : IDisposable
{
    private const int BlockBytes = 4096;

    // struct thin_disk_superblock: device_details_root.
    private const int DetailsRootOffset = 328;

    private readonly CommandLineFixture _f = new();

    private string Meta => _f.At("meta.bin");

    private string Repaired => _f.At("new.bin");

    [Fact]
    public async Task Leaks_are_freed_and_the_flag_is_cleared()
    {
        MetadataFixture.Make(Meta);
        using (var disk = Core.Device.FileDisk.Open(Meta))
        using (var metadata = ThinMetadata.Open(disk, new ThinMetadataOptions()))
        {
            metadata.IncrementData(new DataBlock(500), new DataBlock(503));
            metadata.SetNeedsCheck();
            metadata.Commit();
        }

        Assert.Equal(ExitCodes.Failed, await _f.Run("pool", "check", "--metadata", Meta, "--clear-needs-check"));
        Assert.DoesNotContain("cleared", _f.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "check", "--metadata", Meta, "--skip-mappings"));
        var mended = await _f.Json("pool", "check", "--metadata", Meta, "--auto-repair", "--clear-needs-check");
        Assert.Equal((3, true), (mended.GetProperty("freedDataBlocks").GetInt32(), mended.GetProperty("clearedNeedsCheck").GetBoolean()));
        var again = await _f.Json("pool", "check", "--metadata", Meta, "--auto-repair", "--clear-needs-check");
        Assert.Equal((0, false), (again.GetProperty("freedDataBlocks").GetInt32(), again.GetProperty("clearedNeedsCheck").GetBoolean()));
    }

    [Fact]
    public async Task A_pool_that_needed_a_check_is_served_again_after_it()
    {
        await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        using (var pool = PoolInspector.OpenForRepair(_f.Pool))
        using (var metadata = ThinMetadata.Open(pool.Metadata, new ThinMetadataOptions()))
            metadata.SetNeedsCheck();
        await _f.Fails(ExitCodes.Failed, "volume", "create", _f.Pool, "v", "--size", "1G");
        Assert.True((await _f.Json("pool", "check", _f.Pool, "--clear-needs-check")).GetProperty("clearedNeedsCheck").GetBoolean());
        await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G");
    }

    [Fact]
    public async Task What_can_be_reached_is_kept_and_what_not_is_said()
    {
        MetadataFixture.Make(Meta, mapped: 900);
        Damage(Meta, LeafOf(Meta));
        var before = File.ReadAllBytes(Meta);
        var report = await _f.Json("pool", "repair", "--metadata", Meta, "--output-metadata", Repaired);
        Assert.Equal(2, report.GetProperty("kept").GetArrayLength());
        Assert.Contains(report.GetProperty("findings").EnumerateArray(), finding =>
            finding.GetProperty("kind").GetString() == "DamagedBlock" && finding.GetProperty("path").GetArrayLength() > 1);
        Assert.Equal(before, File.ReadAllBytes(Meta));
        Assert.True((await _f.Json("pool", "check", "--metadata", Repaired)).GetProperty("sound").GetBoolean());
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "repair", "--metadata", Meta, "--output-metadata", Repaired));
        Assert.Contains("of 900 mappings", _f.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lost_superblock_needs_to_be_told_the_block_size()
    {
        MetadataFixture.Make(Meta);
        Damage(Meta, 0);
        string[] repair = ["pool", "repair", "--metadata", Meta, "--output-metadata", Repaired];
        var line = await _f.Fails(ExitCodes.Failed, repair);
        Assert.Contains("the data block size is lost and must be given", line, StringComparison.Ordinal);
        Assert.False(File.Exists(Repaired));
        await _f.Json([.. repair, "--block", "64K", "--data-blocks", "1000", "--transaction-id", "7"]);
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "dump", "--metadata", Repaired, "--skip-mappings"));
        Assert.Contains("transaction=\"7\"", _f.Out, StringComparison.Ordinal);
        Assert.Contains("nr_data_blocks=\"1000\"", _f.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pool_whose_superblock_is_lost_gets_its_volumes_back()
    {
        await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G");
        await _f.Json("volume", "snapshot", _f.Pool, "v", "s");
        var offsetBytes = (await _f.Json("pool", "status", _f.Pool)).GetProperty("regions").GetProperty("metadata")
            .GetProperty("offsetBytes").GetInt64();
        Damage(_f.Pool, (ulong)offsetBytes / BlockBytes);
        await _f.Fails(ExitCodes.Failed, "volume", "list", _f.Pool);
        var before = File.ReadAllBytes(_f.Pool);
        await _f.Json("pool", "repair", _f.Pool, "--output-metadata", Repaired);
        Assert.Equal(before, File.ReadAllBytes(_f.Pool));
        var report = await _f.Json("pool", "repair", _f.Pool, "--in-place");
        Assert.Empty(report.GetProperty("catalogFindings").EnumerateArray());
        Assert.Equal(2, (await _f.Json("volume", "list", _f.Pool)).GetArrayLength());
        Assert.True((await _f.Json("pool", "check", _f.Pool)).GetProperty("sound").GetBoolean());
    }

    [Fact]
    public async Task What_is_no_metadata_or_holds_something_else_is_left_alone()
    {
        File.WriteAllBytes(Meta, new byte[1 << 20]);
        File.WriteAllText(Repaired, string.Concat(Enumerable.Repeat("mine\n", 4000)).PadRight(1 << 20));
        var line = await _f.Fails(ExitCodes.Failed, "pool", "repair", "--metadata", Meta, "--output-metadata", Repaired);
        Assert.Contains("--force", line, StringComparison.Ordinal);
        line = await _f.Fails(ExitCodes.Failed, "pool", "repair", "--metadata", Meta, "--output-metadata", Repaired, "--force");
        Assert.Contains("nothing can be repaired", line, StringComparison.Ordinal);
        Assert.StartsWith("mine", File.ReadAllText(Repaired), StringComparison.Ordinal);
        line = await _f.Fails(ExitCodes.Failed, "pool", "repair", "--metadata", Meta, "--output-metadata", Meta);
        Assert.Contains("is what is read", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Devices_are_listed_with_what_they_have_alone()
    {
        MetadataFixture.Make(Meta);
        var listed = (await _f.Json("pool", "ls", "--metadata", Meta)).EnumerateArray().ToList();
        Assert.Equal([(1, 20, 1, 19), (2, 20, 1, 19)], listed.Select(thin => (
            thin.GetProperty("thinId").GetInt32(),
            thin.GetProperty("mappedBlocks").GetInt32(),
            thin.GetProperty("exclusiveBlocks").GetInt32(),
            thin.GetProperty("sharedBlocks").GetInt32())));
        Assert.Equal(20 << 16, listed[0].GetProperty("mappedBytes").GetInt32());
        Assert.Equal(JsonValueKind.Null, listed[0].GetProperty("name").ValueKind);
        await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "ls", _f.Pool));
        Assert.Equal("no thin devices\n", _f.Out);
        await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G");
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "ls", _f.Pool));
        Assert.Matches(@"^ID  MAPPED .*NAME\n1  .*volume  v\n$", _f.Out);
    }

    public void Dispose() => _f.Dispose();

    private static void Damage(string path, ulong block)
    {
        using var file = new FileStream(path, FileMode.Open);
        file.Position = ((long)block * BlockBytes) + 40;
        file.Write([0x55, 0x66, 0x77, 0x55]);
    }

    /// <summary>The first leaf of device 1, below the two roots; the details tree's root comes right after the mappings'.</summary>
    private static ulong LeafOf(string path)
    {
        using var file = new FileStream(path, FileMode.Open);
        var block = Read(0);
        var root = BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(DetailsRootOffset - 8));
        return Value(Read(Value(Read(root))));

        byte[] Read(ulong number)
        {
            var bytes = new byte[BlockBytes];
            file.Position = (long)number * BlockBytes;
            file.ReadExactly(bytes);
            return bytes;
        }

        // struct btree_node: 32 bytes of header, 252 keys, then the values.
        static ulong Value(byte[] node) => BinaryPrimitives.ReadUInt64LittleEndian(node.AsSpan(32 + (252 * 8)));
    }
}
