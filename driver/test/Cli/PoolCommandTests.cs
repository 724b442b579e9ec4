using System.Text.Json;
using CsiThin.Driver.Cli;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

public sealed class PoolCommandTests : IDisposable
{
    private readonly CommandLineFixture _f = new();

    [Fact]
    public async Task A_pools_status_has_the_promised_fields()
    {
        await _f.Json("pool", "format", _f.Pool, "--size", "256M", "--block", "128K");
        await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G");
        await _f.Json("volume", "snapshot", _f.Pool, "v", "s");
        var status = await _f.Json("pool", "status", _f.Pool);
        Assert.Matches("^[0-9a-f]{32}$", status.GetProperty("uuid").GetString());
        Assert.Equal("write", status.GetProperty("mode").GetString());
        Assert.Equal(2, status.GetProperty("transactionId").GetInt32());
        Assert.Equal(128 << 10, status.GetProperty("dataBlockBytes").GetInt64());
        Assert.InRange(status.GetProperty("dataBlocks").GetProperty("total").GetInt64(), 1000, 2048);
        Assert.Equal(0, status.GetProperty("dataBlocks").GetProperty("used").GetInt64());
        var metadata = status.GetProperty("metadataBlocks");
        Assert.True(metadata.GetProperty("used").GetInt64() < metadata.GetProperty("total").GetInt64());
        var regions = status.GetProperty("regions");
        Assert.Equal(0, regions.GetProperty("metadata").GetProperty("offsetBytes").GetInt64() % 4096);
        Assert.Equal(0, regions.GetProperty("data").GetProperty("offsetBytes").GetInt64() % (1 << 20));
        Assert.True(regions.GetProperty("data").GetProperty("lengthBytes").GetInt64() > 0);
        var volumes = status.GetProperty("volumes").EnumerateArray().ToList();
        Assert.Equal(["v", "s"], volumes.Select(volume => volume.GetProperty("name").GetString()));
        Assert.StartsWith(status.GetProperty("uuid").GetString() + "-", volumes[0].GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, volumes[0].GetProperty("source").ValueKind);
        Assert.Equal(volumes[0].GetProperty("id").GetString(), volumes[1].GetProperty("source").GetString());
        Assert.Equal((1L << 30, 0), (volumes[1].GetProperty("sizeBytes").GetInt64(), volumes[1].GetProperty("mappedBytes").GetInt64()));
        Assert.NotEqual(volumes[0].GetProperty("thinId").GetInt32(), volumes[1].GetProperty("thinId").GetInt32());
    }

    [Fact]
    public async Task Text_says_the_same_for_people()
    {
        Assert.Equal(0, await _f.Run("pool", "format", _f.Pool, "--size", "256M"));
        Assert.Equal(0, await _f.Run("pool", "status", _f.Pool));
        Assert.Contains("no volumes", _f.Out, StringComparison.Ordinal);
        await _f.Run("volume", "create", _f.Pool, "größe", "--size", "1G");
        Assert.Equal(0, await _f.Run("volume", "list", _f.Pool));
        Assert.Matches("größe +volume +1 GiB +0 B", _f.Out);
        Assert.Equal(0, await _f.Run("pool", "check", _f.Pool));
        Assert.Equal("sound", _f.Out.Trim());
        Assert.Equal(0, await _f.Run("pool", "table", _f.Pool));
        Assert.Contains(" thin-pool ", _f.Out, StringComparison.Ordinal);
        Assert.Equal(0, await _f.Run("pool", "dump", _f.Pool));
        Assert.StartsWith("<superblock", _f.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_metadata_is_copied_out_but_not_over_the_pool()
    {
        await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        var copy = await _f.Json("pool", "metadata", _f.Pool, _f.At("copy.bin"));
        Assert.Equal(copy.GetProperty("lengthBytes").GetInt64(), new FileInfo(_f.At("copy.bin")).Length);
        Assert.Contains(
            "is the pool itself", await _f.Fails(ExitCodes.Failed, "pool", "metadata", _f.Pool, _f.Pool), StringComparison.Ordinal);
        File.CreateSymbolicLink(_f.At("link"), _f.Pool);
        Assert.Contains(
            "is the pool itself", await _f.Fails(ExitCodes.Failed, "pool", "metadata", _f.Pool, _f.At("link")), StringComparison.Ordinal);
        Assert.Equal("sound", (await _f.Json("pool", "check", _f.Pool)).GetProperty("sound").GetBoolean() ? "sound" : "damaged");
    }

    [Fact]
    public async Task Damage_is_exit_code_1_with_a_finding()
    {
        var format = await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        var at = format.GetProperty("regions").GetProperty("metadata").GetProperty("offsetBytes").GetInt64();
        using (var file = new FileStream(_f.Pool, FileMode.Open))
        {
            file.Seek(at + 100, SeekOrigin.Begin);
            file.WriteByte(0x55);
        }

        Assert.Equal(ExitCodes.Failed, await _f.Run("pool", "check", _f.Pool, "-o", "json"));
        var report = JsonDocument.Parse(_f.Out).RootElement;
        Assert.False(report.GetProperty("sound").GetBoolean());
        Assert.NotEmpty(report.GetProperty("findings").EnumerateArray());
    }

    [Fact]
    public async Task What_is_no_pool_or_holds_data_is_left_alone()
    {
        await _f.Fails(ExitCodes.Failed, "pool", "status", _f.At("absent"));
        File.WriteAllBytes(_f.Pool, [.. Enumerable.Repeat((byte)7, 64 << 20)]);
        await _f.Fails(ExitCodes.Failed, "pool", "status", _f.Pool);
        await _f.Fails(ExitCodes.Failed, "pool", "format", _f.Pool);
        Assert.Equal(7, File.ReadAllBytes(_f.Pool)[4096]);
        await _f.Json("pool", "format", _f.Pool, "--force");
        await _f.Fails(ExitCodes.Failed, "pool", "format", _f.Pool);
    }

    public void Dispose() => _f.Dispose();
}
