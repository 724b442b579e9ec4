using CsiThin.Core.Pool;
using CsiThin.Driver.Cli;
using CsiThin.Driver.Cli.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

/// <summary>Commands on pools that somebody has.</summary>
public sealed class ServedPoolCommandTests : IAsyncLifetime, IDisposable
{
    private readonly CommandLineFixture _f = new();

    private string Engine => $"unix://{_f.At("engine.sock")}";

    public async Task InitializeAsync() => await _f.Json("pool", "format", _f.Pool, "--size", "256M");

    [Fact]
    public async Task A_pool_in_use_is_refused()
    {
        using var open = ThinPool.Open(_f.Pool, new PoolOpenOptions());
        string[] none = ["--engine", $"unix://{_f.At("none.sock")}"];
        var line = await _f.Fails(ExitCodes.Failed, ["volume", "create", _f.Pool, "v", "--size", "1G", .. none]);
        Assert.Contains("is in use", line, StringComparison.Ordinal);
        Assert.Contains($"no engine listens on {_f.At("none.sock")}", line, StringComparison.Ordinal);
        await _f.Fails(ExitCodes.Failed, ["pool", "status", _f.Pool, .. none]);
        await _f.Fails(ExitCodes.Failed, ["volume", "list", _f.Pool, .. none]);
        await _f.Fails(ExitCodes.Failed, "pool", "format", _f.Pool, "--force");
    }

    [Fact]
    public async Task The_pools_of_an_engine_are_listed()
    {
        await using var engine = await StartAsync(_f.Pool);
        var pool = Assert.Single((await _f.Json("pool", "served", "--engine", Engine)).EnumerateArray());
        Assert.Equal(("p", "write"), (pool.GetProperty("name").GetString(), pool.GetProperty("mode").GetString()));
        Assert.Equal(0, await _f.Run("pool", "served", "--engine", Engine));
        Assert.StartsWith("NAME  MODE ", _f.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_engine_of_other_pools_is_told_apart()
    {
        await _f.Json("pool", "format", _f.At("other.img"), "--size", "256M");
        await using var engine = await StartAsync(_f.At("other.img"));
        using var open = ThinPool.Open(_f.Pool, new PoolOpenOptions());
        var line = await _f.Fails(ExitCodes.Failed, "volume", "create", _f.Pool, "v", "--size", "1G", "--engine", Engine);
        Assert.Contains($"the engine on {Engine} is another: this engine serves no pool '{open.Uuid:N}'", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_engines_refusal_is_one_line()
    {
        await using var engine = await StartAsync(_f.Pool);
        await _f.Json("volume", "create", _f.Pool, "v", "--size", "1G", "--engine", Engine);
        var pool = engine.Pools.All[0].Pool;
        using (pool.OpenDevice(pool.ListVolumes()[0].Id, readOnly: true))
            Assert.Contains(
                "is in use by 1 client",
                await _f.Fails(ExitCodes.Failed, "volume", "delete", _f.Pool, "v", "--engine", Engine),
                StringComparison.Ordinal);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _f.Dispose();

    private Task<EngineHost> StartAsync(string pool) => EngineHost.StartAsync(
        new EngineOptions([new PoolOption("p", pool, null, null)]) { Control = new ControlSocket(_f.At("engine.sock"), IsRequired: true) },
        NullLoggerFactory.Instance);
}
