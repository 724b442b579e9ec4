using System.Text.Json;
using CsiThin.Driver.Cli;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

public sealed class VolumeCommandTests : IAsyncLifetime, IDisposable
{
    private readonly CommandLineFixture _f = new();

    public async Task InitializeAsync() => await _f.Json("pool", "format", _f.Pool, "--size", "256M");

    [Fact]
    public async Task A_volumes_life()
    {
        var volume = await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G");
        Assert.Equal((1L << 30, "volume"), (volume.GetProperty("sizeBytes").GetInt64(), volume.GetProperty("kind").GetString()));
        var snapshot = await _f.Json("volume", "snapshot", _f.Pool, "v", "s");
        Assert.Equal(Id(volume), snapshot.GetProperty("source").GetString());
        Assert.Equal(1L << 30, (await _f.Json("volume", "clone", _f.Pool, "s", "c")).GetProperty("sizeBytes").GetInt64());
        var larger = await _f.Json("volume", "clone", _f.Pool, Id(snapshot), "larger", "--size", "2G");
        Assert.Equal(2L << 30, larger.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(3L << 30, (await _f.Json("volume", "resize", _f.Pool, "c", "--size", "3G")).GetProperty("sizeBytes").GetInt64());
        Assert.Equal(Id(volume), Id(await _f.Json("volume", "delete", _f.Pool, "v")));
        var left = await _f.Json("volume", "list", _f.Pool);
        Assert.Equal(["s", "c", "larger"], left.EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        Assert.True((await _f.Json("pool", "check", _f.Pool)).GetProperty("sound").GetBoolean());
    }

    [Fact]
    public async Task A_refusal_is_one_line_and_exit_code_1()
    {
        await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G");
        await _f.Json("volume", "snapshot", _f.Pool, "v", "s");
        await _f.Fails(ExitCodes.Failed, "volume", "create", _f.Pool, "v", "--size", "1G");
        await _f.Fails(ExitCodes.Failed, "volume", "create", _f.Pool, "huge", "--size", "2E");
        await _f.Fails(ExitCodes.Failed, "volume", "resize", _f.Pool, "v", "--size", "512M");
        await _f.Fails(ExitCodes.Failed, "volume", "clone", _f.Pool, "s", "c", "--size", "512M");
        Assert.Contains(
            "there is no volume 's'",
            await _f.Fails(ExitCodes.Failed, "volume", "resize", _f.Pool, "s", "--size", "2G"),
            StringComparison.Ordinal);
        Assert.Contains(
            "there is no volume or snapshot 'x'",
            await _f.Fails(ExitCodes.Failed, "volume", "delete", _f.Pool, "x"),
            StringComparison.Ordinal);
        Assert.Contains(
            "there is no volume 'x'", await _f.Fails(ExitCodes.Failed, "volume", "snapshot", _f.Pool, "x", "t"), StringComparison.Ordinal);
        await _f.Fails(ExitCodes.Failed, "volume", "list", _f.At("absent"));
    }

    [Fact]
    public async Task A_name_of_two_things_must_be_said_by_handle()
    {
        var volume = await _f.Json("volume", "create", _f.Pool, "both", "--size", "1G");
        var snapshot = await _f.Json("volume", "snapshot", _f.Pool, "both", "both");
        var line = await _f.Fails(ExitCodes.Failed, "volume", "delete", _f.Pool, "both");
        Assert.Contains($"{Id(volume)} or {Id(snapshot)}", line, StringComparison.Ordinal);
        await _f.Json("volume", "delete", _f.Pool, Id(snapshot));
        Assert.Contains("is a snapshot, not a volume", await SnapshotAsVolume(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_look_like_paths_are_names()
    {
        await _f.Json("volume", "create", _f.Pool, "../../x", "--size", "1M");
        await _f.Json("volume", "delete", _f.Pool, "../../x");
    }

    [Fact]
    public async Task A_pool_in_use_is_refused()
    {
        using var open = CsiThin.Core.Pool.ThinPool.Open(_f.Pool, new CsiThin.Core.Pool.PoolOpenOptions());
        await _f.Fails(ExitCodes.Failed, "volume", "create", _f.Pool, "v", "--size", "1G");
        await _f.Fails(ExitCodes.Failed, "pool", "status", _f.Pool);
        await _f.Fails(ExitCodes.Failed, "pool", "format", _f.Pool, "--force");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _f.Dispose();

    private async Task<string> SnapshotAsVolume()
    {
        var handle = Id(await _f.Json("volume", "snapshot", _f.Pool, "both", "again"));
        return await _f.Fails(ExitCodes.Failed, "volume", "resize", _f.Pool, handle, "--size", "2G");
    }

    private static string Id(JsonElement volume) => volume.GetProperty("id").GetString()!;
}
