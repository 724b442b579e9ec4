using System.Text.Json;
using CsiThin.Driver.Cli;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

/// <summary>From metadata to text and back, into files of their own and into a pool.</summary>
public sealed class RestoreCommandTests : IDisposable
{
    private readonly CommandLineFixture _f = new();

    private string Meta => _f.At("meta.bin");

    private string Xml => _f.At("pool.xml");

    [Fact]
    public async Task What_was_dumped_is_restored_to_a_new_file_and_to_one_that_is_there()
    {
        MetadataFixture.Make(Meta);
        await DumpAsync("--metadata", Meta);
        var text = File.ReadAllText(Xml);
        var report = await _f.Json("pool", "restore", Xml, "--metadata", _f.At("new.bin"), "--size", "4M");
        Assert.Equal((2, 40), (report.GetProperty("devices").GetInt32(), report.GetProperty("mappings").GetInt32()));
        await DumpAsync("--metadata", _f.At("new.bin"));
        Assert.Equal(text, File.ReadAllText(Xml));
        await _f.Json("pool", "restore", Xml, "--metadata", _f.At("new.bin"));
        Assert.True((await _f.Json("pool", "check", "--metadata", _f.At("new.bin"))).GetProperty("sound").GetBoolean());
    }

    [Fact]
    public async Task A_pool_gets_its_metadata_back()
    {
        await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G");
        await DumpAsync(_f.Pool);
        var report = await _f.Json("pool", "restore", Xml, _f.Pool, "--force");
        Assert.Empty(report.GetProperty("catalogFindings").EnumerateArray());
        Assert.True((await _f.Json("pool", "check", _f.Pool)).GetProperty("sound").GetBoolean());
        Assert.Equal("v", (await _f.Json("volume", "list", _f.Pool))[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Metadata_that_does_not_know_the_pools_volumes_is_restored_and_said_so()
    {
        await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        await DumpAsync(_f.Pool);
        await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G");
        File.WriteAllText(Xml, File.ReadAllText(Xml).Replace("transaction=\"0\"", "transaction=\"1\"", StringComparison.Ordinal));
        Assert.Equal(ExitCodes.Failed, await _f.Run("pool", "restore", Xml, _f.Pool, "--force", "-o", "json"));
        var findings = JsonDocument.Parse(_f.Out).RootElement.GetProperty("catalogFindings");
        Assert.Contains("'v'", Assert.Single(findings.EnumerateArray()).GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_fit_a_pool_leaves_it_as_it_is()
    {
        await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G");
        var before = File.ReadAllBytes(_f.Pool);
        await DumpAsync(_f.Pool);
        var good = File.ReadAllText(Xml);
        foreach (var (from, to, message) in new[]
        {
            ("data_block_size=\"128\"", "data_block_size=\"256\"", "the pool has blocks of 65536 bytes"),
            ("nr_data_blocks=\"", "nr_data_blocks=\"9", "data blocks, and the pool has"),
            ("</superblock>", "", Xml),
            ("dev_id=\"", "dev_id=\"99999999", Xml),
        })
        {
            Assert.Contains(from, good, StringComparison.Ordinal);
            File.WriteAllText(Xml, good.Replace(from, to, StringComparison.Ordinal));
            var line = await _f.Fails(ExitCodes.Failed, "pool", "restore", Xml, _f.Pool, "--force");
            Assert.Contains(message, line, StringComparison.Ordinal);
            Assert.Equal(before, File.ReadAllBytes(_f.Pool));
        }
    }

    [Fact]
    public async Task Bad_text_leaves_the_target_as_it_is()
    {
        MetadataFixture.Make(Meta);
        var before = File.ReadAllBytes(Meta);
        File.WriteAllText(Xml, "<superblock uuid=\"\"");
        Assert.Contains(Xml, await _f.Fails(ExitCodes.Failed, "pool", "restore", Xml, "--metadata", Meta), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(Meta));
        await _f.Fails(ExitCodes.Failed, "pool", "restore", Xml, "--metadata", _f.At("new.bin"), "--size", "4M");
        Assert.False(File.Exists(_f.At("new.bin")));
        Assert.Equal(2, Directory.GetFiles(_f.At("")).Length);
    }

    [Fact]
    public async Task What_is_no_place_or_no_source_is_refused()
    {
        MetadataFixture.Make(Meta);
        await DumpAsync("--metadata", Meta);
        File.WriteAllText(_f.At("letter"), string.Concat(Enumerable.Repeat("dear reader, ", 10_000)));
        foreach (var (message, arguments) in new (string, string[])[]
        {
            ("--size makes it", [Xml, "--metadata", _f.At("absent")]),
            ("--size is for a new file", [Xml, "--metadata", Meta, "--size", "4M"]),
            ("is what is read", [Xml, "--metadata", Xml, "--force"]),
            ("unless --force says otherwise", [Xml, "--metadata", _f.At("letter")]),
            ("is a directory", [_f.At(""), "--metadata", Meta]),
            ("is not there", [_f.At("absent"), "--metadata", Meta]),
            ("neither a regular file nor a block device", [Xml, "--metadata", _f.At("")]),
        })
            Assert.Contains(message, await _f.Fails(ExitCodes.Failed, ["pool", "restore", .. arguments]), StringComparison.Ordinal);
        Assert.StartsWith("dear reader", File.ReadAllText(_f.At("letter")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pool_in_use_is_refused_with_the_reason()
    {
        await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        await DumpAsync(_f.Pool);
        using var open = Core.Pool.ThinPool.Open(_f.Pool, new Core.Pool.PoolOpenOptions());
        var line = await _f.Fails(ExitCodes.Failed, "pool", "restore", Xml, _f.Pool, "--force");
        Assert.Contains("restore changes the metadata, so nobody may serve the pool meanwhile", line, StringComparison.Ordinal);
    }

    public void Dispose() => _f.Dispose();

    private async Task DumpAsync(params string[] target) =>
        Assert.True(await _f.Run(["pool", "dump", .. target, "-f", Xml]) == ExitCodes.Success, _f.Error);
}
