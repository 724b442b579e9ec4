using System.Net;
using System.Runtime.Versioning;
using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Cli;
using CsiThin.Driver.Cli.Hosting;
using CsiThin.Driver.Node;
using CsiThin.Driver.Tests.Rpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using AccessMode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace CsiThin.Driver.Tests.Cli.Hosting;

/// <summary>Engine and node as two hosts that know each other by a socket alone.</summary>
public sealed class EngineAndNodeTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-two-");
    private EngineHost _engine = null!;
    private NodeHost _node = null!;

    private EngineOptions Engine => new([new PoolOption("p", At("pool.img"), 256 << 20, null)])
    {
        Control = new ControlSocket(At("run/engine.sock"), IsRequired: true),
        NbdPath = At("nbd.sock"),
        Metrics = new IPEndPoint(IPAddress.Loopback, 0),
        CacheBytes = 4 << 20,
    };

    private NodeHostOptions Node => new(At("csi.sock"), At("run/engine.sock"), "node-1", new NodeOptions(At("kubelet"), At("node")))
    {
        Metrics = new IPEndPoint(IPAddress.Loopback, 0),
    };

    public async Task InitializeAsync()
    {
        _engine = await EngineHost.StartAsync(Engine, NullLoggerFactory.Instance);
        _node = await NodeHost.StartAsync(Node, NullLoggerFactory.Instance);
    }

    [Fact]
    public async Task What_csi_makes_in_one_is_written_in_the_other()
    {
        using var csi = new CsiClient(At("csi.sock"));
        var volume = await Create(csi, "a");
        using var client = new NbdClient(At("nbd.sock"), volume.VolumeId);
        Assert.Equal(volume.CapacityBytes, client.LengthBytes);
        client.Write(1 << 20, [1, 2, 3, 4]);
        client.Flush();
        Assert.True((await csi.Identity.ProbeAsync(new ProbeRequest())).Ready);
    }

    [Fact]
    public async Task A_node_that_is_restarted_breaks_no_io()
    {
        using var csi = new CsiClient(At("csi.sock"));
        var volume = await Create(csi, "a");
        using var client = new NbdClient(At("nbd.sock"), volume.VolumeId);
        for (var i = 0; i < 3; i++)
        {
            await _node.DisposeAsync();
            client.Write(i * 4096, new byte[4096]);
            client.Flush();
            _node = await NodeHost.StartAsync(Node, NullLoggerFactory.Instance);
        }

        Assert.Equal(volume, await Create(csi, "a"));
    }

    [Fact]
    public async Task A_call_waits_for_an_engine_that_is_restarted()
    {
        using var csi = new CsiClient(At("csi.sock"));
        var volume = await Create(csi, "a");
        await _engine.DisposeAsync();
        var listing = csi.Controller.ListVolumesAsync(new ListVolumesRequest()).ResponseAsync;
        await Task.Delay(200);
        Assert.False(listing.IsCompleted);
        _engine = await EngineHost.StartAsync(Engine, NullLoggerFactory.Instance);
        Assert.Equal(volume.VolumeId, Assert.Single((await listing.WaitAsync(Limit)).Entries).Volume.VolumeId);
    }

    [Fact]
    public async Task A_node_starts_without_an_engine_and_says_so()
    {
        await _node.DisposeAsync();
        await _engine.DisposeAsync();
        using var log = new LogList();
        using var logs = LoggerFactory.Create(builder => builder.AddProvider(log));
        _node = await NodeHost.StartAsync(Node, logs);
        Assert.Contains("no engine listens on", Assert.Single(log.Lines), StringComparison.Ordinal);
        using var csi = new CsiClient(At("csi.sock"));
        Assert.Equal("thin.csithin.io", (await csi.Identity.GetPluginInfoAsync(new GetPluginInfoRequest())).Name);
        _engine = await EngineHost.StartAsync(Engine, NullLoggerFactory.Instance);
        Assert.NotNull(await Create(csi, "a"));
    }

    [Fact]
    public async Task Each_process_measures_what_is_its_own()
    {
        using var csi = new CsiClient(At("csi.sock"));
        await Create(csi, "a");
        using var http = new HttpClient();
        var engine = await http.GetStringAsync(new Uri(_engine.MetricsAddress!, "/metrics"));
        Assert.Contains("csithin_pool_size_bytes{pool=\"p\"} ", engine, StringComparison.Ordinal);
        Assert.Contains("csithin_control_calls_total{method=\"/csithin.v1.VolumeAdmin/CreateVolume\"", engine, StringComparison.Ordinal);
        var node = await http.GetStringAsync(new Uri(_node.MetricsAddress!, "/metrics"));
        Assert.Contains("csithin_csi_calls_total{method=\"/csi.v1.Controller/CreateVolume\",code=\"OK\"} ", node, StringComparison.Ordinal);
        Assert.Equal("ok\n", await http.GetStringAsync(new Uri(_node.MetricsAddress!, "/healthz")));
    }

    [Fact]
    public async Task An_engine_of_a_node_without_pools_is_well()
    {
        await _engine.DisposeAsync();
        _engine = await EngineHost.StartAsync(Engine with { Pools = [] }, NullLoggerFactory.Instance);
        using var http = new HttpClient();
        Assert.Equal("ok\n", await http.GetStringAsync(new Uri(_engine.MetricsAddress!, "/healthz")));
        using var csi = new CsiClient(At("csi.sock"));
        Assert.True((await csi.Identity.ProbeAsync(new ProbeRequest())).Ready);
    }

    [Fact]
    public async Task A_declared_pool_that_is_damaged_does_not_keep_the_others_from_their_volumes()
    {
        await _engine.DisposeAsync();
        File.WriteAllBytes(At("damaged"), new byte[1 << 20]);
        var damaged = PoolOption.Parse($"slow={At("damaged")}", out _)!;
        _engine = await EngineHost.StartAsync(
            Engine with { Pools = [damaged with { IsDeclared = true }, .. Engine.Pools] }, NullLoggerFactory.Instance);
        Assert.Equal(Engine.Pools.Select(pool => pool.Name), _engine.Pools.All.Select(pool => pool.Name));
        await _engine.DisposeAsync();

        var options = Engine with { Pools = [damaged, .. Engine.Pools] };
        await Assert.ThrowsAsync<PoolException>(() => EngineHost.StartAsync(options, NullLoggerFactory.Instance));
        _engine = await EngineHost.StartAsync(Engine, NullLoggerFactory.Instance);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public void The_engines_socket_is_roots_alone()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(At("run/engine.sock")));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(At("run")));
    }

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        await _engine.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private string At(string name) => Path.Combine(_directory.FullName, name);

    private static async Task<Volume> Create(CsiClient csi, string name) => (await csi.Controller.CreateVolumeAsync(new CreateVolumeRequest
    {
        Name = name,
        CapacityRange = new CapacityRange { RequiredBytes = 64 << 20 },
        VolumeCapabilities = { new VolumeCapability { Block = new(), AccessMode = new() { Mode = AccessMode.SingleNodeWriter } } },
    })).Volume;
}
