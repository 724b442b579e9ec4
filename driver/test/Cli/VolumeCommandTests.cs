using System.Diagnostics;
using System.Text.Json;
using CsiThin.Driver.Cli;
using CsiThin.Driver.Cli.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

/// <summary>On a pool that nobody has open.</summary>
public sealed class VolumeCommandTestsOffline() : VolumeCommandTests(isServed: false);

/// <summary>The same on a pool that an engine serves.</summary>
public sealed class VolumeCommandTestsServed() : VolumeCommandTests(isServed: true);

public abstract class VolumeCommandTests(bool isServed) : IAsyncLifetime, IDisposable
{
    private readonly CommandLineFixture _f = new();
    private EngineHost? _engine;

    private string Socket => _f.At("engine.sock");

    public async Task InitializeAsync()
    {
        await _f.Json("pool", "format", _f.Pool, "--size", "256M");
        if (!isServed)
            return;
        var pool = new PoolOption("p", _f.Pool, null, null);
        var options = new EngineOptions([pool]) { Control = new ControlSocket(Socket, IsRequired: true) };
        _engine = await EngineHost.StartAsync(options, NullLoggerFactory.Instance);
    }

    [Fact]
    public async Task A_volumes_life()
    {
        var volume = await Json("volume", "create", _f.Pool, "v", "--size", "1G");
        Assert.Equal((1L << 30, "volume"), (volume.GetProperty("sizeBytes").GetInt64(), volume.GetProperty("kind").GetString()));
        var snapshot = await Json("volume", "snapshot", _f.Pool, "v", "s");
        Assert.Equal(Id(volume), snapshot.GetProperty("source").GetString());
        Assert.Equal(1L << 30, (await Json("volume", "clone", _f.Pool, "s", "c")).GetProperty("sizeBytes").GetInt64());
        var larger = await Json("volume", "clone", _f.Pool, Id(snapshot), "larger", "--size", "2G");
        Assert.Equal(2L << 30, larger.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(3L << 30, (await Json("volume", "resize", _f.Pool, "c", "--size", "3G")).GetProperty("sizeBytes").GetInt64());
        Assert.Equal(Id(volume), Id(await Json("volume", "delete", _f.Pool, "v")));
        var left = await Json("volume", "list", _f.Pool);
        Assert.Equal(["s", "c", "larger"], left.EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        Assert.True((await Json("pool", "check", _f.Pool)).GetProperty("sound").GetBoolean());
    }

    [Fact]
    public async Task A_refusal_is_one_line_and_exit_code_1()
    {
        await Json("volume", "create", _f.Pool, "v", "--size", "1G");
        await Json("volume", "snapshot", _f.Pool, "v", "s");
        await Fails(ExitCodes.Failed, "volume", "create", _f.Pool, "v", "--size", "1G");
        await Fails(ExitCodes.Failed, "volume", "create", _f.Pool, "huge", "--size", "2E");
        await Fails(ExitCodes.Failed, "volume", "resize", _f.Pool, "v", "--size", "512M");
        await Fails(ExitCodes.Failed, "volume", "clone", _f.Pool, "s", "c", "--size", "512M");
        Assert.Contains(
            "there is no volume 's'",
            await Fails(ExitCodes.Failed, "volume", "resize", _f.Pool, "s", "--size", "2G"),
            StringComparison.Ordinal);
        Assert.Contains(
            "there is no volume or snapshot 'x'",
            await Fails(ExitCodes.Failed, "volume", "delete", _f.Pool, "x"),
            StringComparison.Ordinal);
        Assert.Contains(
            "there is no volume 'x'", await Fails(ExitCodes.Failed, "volume", "snapshot", _f.Pool, "x", "t"), StringComparison.Ordinal);
        await Fails(ExitCodes.Failed, "volume", "list", _f.At("absent"));
    }

    [Fact]
    public async Task A_name_of_two_things_must_be_said_by_handle()
    {
        var volume = await Json("volume", "create", _f.Pool, "both", "--size", "1G");
        var snapshot = await Json("volume", "snapshot", _f.Pool, "both", "both");
        var line = await Fails(ExitCodes.Failed, "volume", "delete", _f.Pool, "both");
        Assert.Contains($"{Id(volume)} or {Id(snapshot)}", line, StringComparison.Ordinal);
        await Json("volume", "delete", _f.Pool, Id(snapshot));
        Assert.Contains("is a snapshot, not a volume", await SnapshotAsVolume(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_look_like_paths_are_names()
    {
        await Json("volume", "create", _f.Pool, "../../x", "--size", "1M");
        await Json("volume", "delete", _f.Pool, "../../x");
    }

    [Fact]
    public async Task A_pool_is_shown_and_grows_with_its_file()
    {
        var before = await Json("pool", "status", _f.Pool);
        Assert.Equal("write", before.GetProperty("mode").GetString());
        // As people do it; a stream of this process would ask for a lock that the engine has.
        using (var truncate = Process.Start("truncate", ["-s", "512M", _f.Pool]))
            await truncate.WaitForExitAsync();
        var grown = await Json("pool", "grow", _f.Pool);
        Assert.Equal(256 << 20, grown.GetProperty("gainedBytes").GetInt64());
        var after = await Json("pool", "status", _f.Pool);
        Assert.Equal(
            grown.GetProperty("sizeBytes").GetInt64(),
            after.GetProperty("dataBlocks").GetProperty("total").GetInt64() * after.GetProperty("dataBlockBytes").GetInt64());
        Assert.Equal(0, (await Json("pool", "grow", _f.Pool)).GetProperty("gainedBytes").GetInt64());
    }

    public async Task DisposeAsync()
    {
        if (_engine is not null)
            await _engine.DisposeAsync();
    }

    public void Dispose()
    {
        _f.Dispose();
        GC.SuppressFinalize(this);
    }

    private Task<JsonElement> Json(params string[] arguments) => _f.Json([.. arguments, .. Engine(arguments[1])]);

    private Task<string> Fails(int code, params string[] arguments) => _f.Fails(code, [.. arguments, .. Engine(arguments[1])]);

    private string[] Engine(string verb) => isServed && verb != "format" ? ["--engine", $"unix://{Socket}"] : [];

    private async Task<string> SnapshotAsVolume()
    {
        var handle = Id(await Json("volume", "snapshot", _f.Pool, "both", "again"));
        return await Fails(ExitCodes.Failed, "volume", "resize", _f.Pool, handle, "--size", "2G");
    }

    private static string Id(JsonElement volume) => volume.GetProperty("id").GetString()!;
}
