using System.Buffers.Binary;
using System.Text.Json;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Cli;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

/// <summary>The tools on metadata that is no pool of ours, and on thin devices that our catalog does not know.</summary>
public sealed class MetadataCommandTests : IDisposable
{
    // struct thin_disk_superblock: data_mapping_root.
    private const int MappingRootOffset = 320;

    private readonly CommandLineFixture _f = new();

    public MetadataCommandTests() => MetadataFixture.Make(Meta);

    private string Meta => _f.At("meta.bin");

    public static TheoryData<string> Readers() => ["check", "dump", "delta --thin1 1 --thin2 2", "ls", "rmap --region 0..1"];

    [Fact]
    public async Task Any_metadata_is_checked_and_dumped()
    {
        Assert.True((await _f.Json("pool", "check", "--metadata", Meta)).GetProperty("sound").GetBoolean());
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "dump", "--metadata", Meta));
        Assert.Contains("<device dev_id=\"2\" mapped_blocks=\"20\"", _f.Out, StringComparison.Ordinal);
        var shown = _f.Out;
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "dump", "--metadata", Meta, "-f", _f.At("out.xml")));
        Assert.Equal(("", shown), (_f.Out, File.ReadAllText(_f.At("out.xml"))));
    }

    [Fact]
    public async Task A_dump_is_of_one_device_without_mappings_or_for_people()
    {
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "dump", "--metadata", Meta, "--dev-id", "2", "--skip-mappings"));
        Assert.Contains("dev_id=\"2\"", _f.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("dev_id=\"1\"", _f.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("mapping ", _f.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "dump", "--metadata", Meta, "--format", "human"));
        Assert.StartsWith("begin superblock", _f.Out, StringComparison.Ordinal);
        var line = await _f.Fails(ExitCodes.Failed, "pool", "dump", "--metadata", Meta, "--dev-id", "9");
        Assert.Contains(Meta, line, StringComparison.Ordinal);
        line = await _f.Fails(ExitCodes.Failed, "pool", "dump", "--metadata", Meta, "--metadata-snap");
        Assert.Contains("no metadata snapshot", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_devices_are_compared_by_id()
    {
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "delta", "--metadata", Meta, "--thin1", "1", "--thin2", "2"));
        Assert.Contains("<different begin=\"3\" length=\"1\"/>", _f.Out, StringComparison.Ordinal);
        var plain = _f.Out;
        Assert.Equal(
            ExitCodes.Success,
            await _f.Run("pool", "delta", "--metadata", Meta, "--thin1", "1", "--thin2", "2", "-f", _f.At("delta.xml")));
        Assert.Equal(plain, File.ReadAllText(_f.At("delta.xml")));
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "delta", "--metadata", Meta, "--thin1", "1", "--thin2", "2", "--verbose"));
        Assert.Contains("left_data_begin=\"3\" right_data_begin=\"20\"", _f.Out, StringComparison.Ordinal);
        var line = await _f.Fails(ExitCodes.Failed, "pool", "delta", "--metadata", Meta, "--thin1", "1", "--thin2", "9");
        Assert.Contains($"{Meta}: there is no thin device 9", line, StringComparison.Ordinal);
        line = await _f.Fails(ExitCodes.Failed, "pool", "delta", "--metadata", Meta, "--thin1", "v", "--thin2", "2");
        Assert.Contains("no volume or snapshot 'v'", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_blocks_are_looked_up_backwards()
    {
        Assert.Equal(ExitCodes.Success, await _f.Run("pool", "rmap", "--metadata", Meta, "--region", "2..4", "--region", "20..21"));
        Assert.Equal(
            "data 2..4 -> thin(1) 2..4\ndata 2..3 -> thin(2) 2..3\ndata 20..21 -> thin(2) 3..4\n", _f.Out);
        var all = await _f.Json("pool", "rmap", "--metadata", Meta, "--region", "20..1000");
        var one = Assert.Single(all.EnumerateArray());
        Assert.Equal((20, 2, 3, 1), (
            one.GetProperty("data").GetInt32(),
            one.GetProperty("thinId").GetInt32(),
            one.GetProperty("begin").GetInt32(),
            one.GetProperty("length").GetInt32()));
    }

    [Fact]
    public async Task A_finding_carries_its_path_and_what_it_costs()
    {
        DamageMappingRoot();
        Assert.Equal(ExitCodes.Failed, await _f.Run("pool", "check", "--metadata", Meta, "-o", "json"));
        var report = JsonDocument.Parse(_f.Out).RootElement;
        var finding = report.GetProperty("findings").EnumerateArray().First();
        Assert.Equal("DamagedBlock", finding.GetProperty("kind").GetString());
        Assert.NotEmpty(finding.GetProperty("path").EnumerateArray());
        Assert.Equal(ExitCodes.Failed, await _f.Run("pool", "check", "--metadata", Meta));
        Assert.Contains("superblock -> ", _f.Out, StringComparison.Ordinal);
        Assert.Contains("finding(s)", _f.Out, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Readers))]
    public async Task What_is_no_metadata_is_one_line_with_its_path(string verb)
    {
        File.WriteAllBytes(_f.At("zeroes"), new byte[1 << 20]);
        File.WriteAllText(_f.At("text"), string.Concat(Enumerable.Repeat("no metadata\n", 1000)));
        File.WriteAllBytes(_f.At("empty"), []);
        Directory.CreateDirectory(_f.At("directory"));
        foreach (var name in (string[])["zeroes", "text", "empty"])
        {
            Assert.Equal(ExitCodes.Failed, await _f.Run(["pool", .. verb.Split(' '), "--metadata", _f.At(name)]));
            Assert.Contains("superblock", _f.Out + _f.Error, StringComparison.Ordinal);
        }

        foreach (var name in (string[])["directory", "absent"])
        {
            var line = await _f.Fails(ExitCodes.Failed, ["pool", .. verb.Split(' '), "--metadata", _f.At(name)]);
            Assert.Contains(_f.At(name), line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_dump_that_fails_leaves_its_file_alone()
    {
        using (var file = new FileStream(Meta, FileMode.Open))
            file.SetLength(3 * 4096);
        File.WriteAllText(_f.At("out.xml"), "before");
        await _f.Fails(ExitCodes.Failed, "pool", "dump", "--metadata", Meta, "-f", _f.At("out.xml"));
        Assert.Equal("before", File.ReadAllText(_f.At("out.xml")));
        var same = await _f.Fails(ExitCodes.Failed, "pool", "dump", "--metadata", Meta, "-f", Meta);
        Assert.Contains("is what is read", same, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(_f.At("")), name => name.EndsWith(".partial", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Metadata_with_its_data_device_is_trimmed_and_what_is_mapped_stays()
    {
        var data = _f.At("data.img");
        File.WriteAllBytes(data, [.. Enumerable.Repeat((byte)7, (int)MetadataFixture.DataBlocks * MetadataFixture.DataBlockBytes)]);
        var trimmed = await _f.Json("pool", "trim", "--metadata", Meta, "--data", data);
        var freeBytes = ((long)MetadataFixture.DataBlocks - 21) * MetadataFixture.DataBlockBytes;
        Assert.Equal(freeBytes, trimmed.GetProperty("discardedBytes").GetInt64());
        var left = File.ReadAllBytes(data);
        Assert.Equal((7, 0), (left[20 * MetadataFixture.DataBlockBytes], left[21 * MetadataFixture.DataBlockBytes]));
        using (var file = new FileStream(data, FileMode.Open))
            file.SetLength(1 << 20);
        Assert.Contains(
            "the data device has 1048576 bytes",
            await _f.Fails(ExitCodes.Failed, "pool", "trim", "--metadata", Meta, "--data", data),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_foreign_thin_device_becomes_a_volume()
    {
        await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G");
        using (var pool = PoolInspector.OpenForRepair(_f.Pool))
            MetadataFixture.AddThin(pool.Metadata, 77, mapped: 5);
        Assert.Equal(ExitCodes.Failed, await _f.Run("pool", "check", _f.Pool, "-o", "json"));
        var finding = Assert.Single(JsonDocument.Parse(_f.Out).RootElement.GetProperty("findings").EnumerateArray());
        Assert.Equal("Catalog", finding.GetProperty("kind").GetString());
        await _f.Fails(ExitCodes.Failed, "volume", "adopt", _f.Pool, "78", "foreign");
        await _f.Fails(ExitCodes.Failed, "volume", "adopt", _f.Pool, "77", "v");
        var volume = await _f.Json("volume", "adopt", _f.Pool, "77", "foreign");
        Assert.Equal(5 << 16, volume.GetProperty("sizeBytes").GetInt32());
        Assert.True((await _f.Json("pool", "check", _f.Pool)).GetProperty("sound").GetBoolean());
    }

    [Theory]
    [InlineData("1T", 1UL + ((1 << 24) + 125) / 126 + 1000)]
    [InlineData("64K", 1UL + 1 + 1000)]
    public async Task A_metadata_size_is_thin_metadata_sizes(string poolSize, ulong blocks)
    {
        var size = await _f.Json("pool", "metadata-size", "--pool-size", poolSize, "--block", "64K", "--max-thins", "1000");
        Assert.Equal(blocks, size.GetProperty("blocks").GetUInt64());
        Assert.Equal(blocks * 4096, size.GetProperty("bytes").GetUInt64());
    }

    public void Dispose() => _f.Dispose();

    private void DamageMappingRoot()
    {
        using var file = new FileStream(Meta, FileMode.Open);
        var superblock = new byte[4096];
        file.ReadExactly(superblock);
        file.Position = ((long)BinaryPrimitives.ReadUInt64LittleEndian(superblock.AsSpan(MappingRootOffset)) * 4096) + 200;
        file.WriteByte(0x55);
    }
}
