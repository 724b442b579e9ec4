using System.Runtime.Versioning;
using CsiThin.Core.Pool;
using CsiThin.Driver.Cli;
using CsiThin.Driver.Cli.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

/// <summary>Tools on a pool while a server in this process serves it.</summary>
[SupportedOSPlatform("linux")]
public sealed class ControlSocketTests : IAsyncLifetime, IDisposable
{
    private readonly CommandLineFixture _f = new();
    private ServerHost _host = null!;

    private string Control => $"unix://{_f.At("control.sock")}";

    public async Task InitializeAsync()
    {
        _host = await ServerHost.StartAsync(Options("csi.sock", _f.Pool, Socket()), NullLoggerFactory.Instance);
        await _host.Pools.All[0].Pool.CreateAsync(new VolumeSpec { Name = "v", SizeBytes = 1 << 30 }, default);
    }

    [Fact]
    public async Task A_served_pool_is_trimmed_by_its_engine()
    {
        var trimmed = await _f.Json("pool", "trim", _f.Pool, "--control", Control);
        Assert.InRange(trimmed.GetProperty("discardedBytes").GetInt64(), 200 << 20, 256 << 20);
    }

    [Fact]
    public async Task A_served_pools_devices_are_compared_by_name_and_the_hold_ends_with_the_tool()
    {
        var pool = _host.Pools.All[0].Pool;
        var volume = await pool.FindVolumeByNameAsync(VolumeKind.Volume, "v", default);
        await pool.CreateAsync(new VolumeSpec { Name = "s", Kind = VolumeKind.Snapshot, Source = volume!.Id }, default);
        for (var i = 0; i < 3; i++)
        {
            // Each takes a hold of its own, when the one before has let go.
            var code = await _f.Run("pool", "delta", _f.Pool, "--thin1", "v", "--thin2", "s", "--control", Control);
            Assert.True(code == ExitCodes.Success, _f.Error);
            Assert.Contains("<diff left=", _f.Out, StringComparison.Ordinal);
        }

        var line = await _f.Fails(ExitCodes.Failed, "pool", "delta", _f.Pool, "--thin1", "v", "--thin2", "x", "--control", Control);
        Assert.Contains("has no volume or snapshot 'x'", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_served_pool_is_dumped_as_of_one_moment()
    {
        Assert.True(await _f.Run("pool", "dump", _f.Pool, "--dev-id", "v", "--control", Control) == ExitCodes.Success, _f.Error);
        Assert.Contains("<device dev_id=", _f.Out, StringComparison.Ordinal);
        Assert.True(
            await _f.Run("pool", "rmap", _f.Pool, "--region", "0..9", "--control", Control, "-o", "json") == ExitCodes.Success, _f.Error);
    }

    [Fact]
    public async Task A_second_tool_at_the_same_time_is_told_that_the_metadata_is_held()
    {
        var pool = _host.Pools.All[0].Pool;
        using (pool.HoldMetadataSnapshot())
        {
            var line = await _f.Fails(ExitCodes.Failed, "pool", "delta", _f.Pool, "--thin1", "0", "--thin2", "0", "--control", Control);
            Assert.Contains("holds a metadata snapshot already", line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_its_engine_a_pool_in_use_is_refused_with_who_has_it()
    {
        var line = await _f.Fails(ExitCodes.Failed, "pool", "trim", _f.Pool, "--control", $"unix://{_f.At("none.sock")}");
        Assert.Contains("is in use", line, StringComparison.Ordinal);
        Assert.Contains($"no engine that could give access answers on unix://{_f.At("none.sock")}", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_engine_says_that_it_is_another()
    {
        var other = Options("other.sock", _f.At("other.img"), new ControlSocket(_f.At("other-control.sock"), IsRequired: true));
        await using var host = await ServerHost.StartAsync(other, NullLoggerFactory.Instance);
        var line = await _f.Fails(ExitCodes.Failed, "pool", "trim", _f.Pool, "--control", $"unix://{_f.At("other-control.sock")}");
        Assert.Contains($"serves no pool '{_host.Pools.All[0].Pool.Uuid:N}'", line, StringComparison.Ordinal);
    }

    [Fact]
    public void The_socket_is_its_owners_alone() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_f.At("control.sock")));

    [Fact]
    public async Task A_second_server_on_one_control_socket_is_refused_if_it_asked_for_it_and_warned_if_not()
    {
        var second = Options("second.sock", _f.At("second.img"), Socket());
        var refusal = await Assert.ThrowsAsync<IOException>(() => ServerHost.StartAsync(second, NullLoggerFactory.Instance));
        Assert.Contains("control.sock: another server is listening there", refusal.Message, StringComparison.Ordinal);
        var log = new Rpc.LogList();
        using var logs = LoggerFactory.Create(builder => builder.AddProvider(log));
        await using var host = await ServerHost.StartAsync(second with { Control = Socket() with { IsRequired = false } }, logs);
        Assert.Null(host.ControlPath);
        Assert.Contains(log.Lines, line => line.Contains("another server is listening there", StringComparison.Ordinal));
        await _f.Json("pool", "trim", _f.Pool, "--control", Control);
    }

    [Fact]
    public async Task A_directory_that_cannot_be_made_is_a_warning_unless_it_was_asked_for()
    {
        File.WriteAllText(_f.At("file"), "");
        var control = new ControlSocket(_f.At("file/control.sock"), IsRequired: true);
        var second = Options("second.sock", _f.At("second.img"), control);
        await Assert.ThrowsAsync<IOException>(() => ServerHost.StartAsync(second, NullLoggerFactory.Instance));
        second = second with { Control = control with { IsRequired = false } };
        await using var host = await ServerHost.StartAsync(second, NullLoggerFactory.Instance);
        Assert.Null(host.ControlPath);
    }

    [Fact]
    public async Task The_default_directory_is_made_for_its_owner_alone()
    {
        var second = Options("second.sock", _f.At("second.img"), new ControlSocket(_f.At("made/control.sock"), IsRequired: false));
        await using var host = await ServerHost.StartAsync(second, NullLoggerFactory.Instance);
        Assert.Equal(_f.At("made/control.sock"), host.ControlPath);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_f.At("made")));
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    public void Dispose() => _f.Dispose();

    private ControlSocket Socket() => new(_f.At("control.sock"), IsRequired: true);

    private ServeOptions Options(string csi, string pool, ControlSocket control) =>
        new(_f.At(csi), "node-1", [new PoolOption("p", pool, 256 << 20, null)], null, null) { Control = control };
}
