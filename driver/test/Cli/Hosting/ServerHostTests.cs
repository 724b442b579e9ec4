using System.Net;
using System.Runtime.Versioning;
using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Cli;
using CsiThin.Driver.Cli.Hosting;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using AccessMode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace CsiThin.Driver.Tests.Cli.Hosting;

public sealed class ServerHostTests : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-host-");
    private ServerHost _host = null!;

    private ServeOptions Options => new(
        At("csi.sock"),
        "node-1",
        [new PoolOption("p", At("pool.img"), 256 << 20, 128 << 10)],
        At("nbd.sock"),
        new IPEndPoint(IPAddress.Loopback, 0));

    public async Task InitializeAsync() => _host = await ServerHost.StartAsync(Options, NullLoggerFactory.Instance);

    [Fact]
    public async Task What_csi_makes_is_written_and_read_over_nbd()
    {
        using var csi = new CsiClient(At("csi.sock"));
        var volume = (await csi.Controller.CreateVolumeAsync(Request("a"))).Volume;
        byte[] data = [.. Enumerable.Range(0, 8192).Select(i => (byte)i)];
        using (var client = new NbdClient(At("nbd.sock"), volume.VolumeId))
        {
            Assert.Equal(volume.CapacityBytes, client.LengthBytes);
            client.Write(1 << 20, data);
            client.Flush();
        }

        var wanted = new CreateSnapshotRequest { Name = "s", SourceVolumeId = volume.VolumeId };
        var snapshot = (await csi.Controller.CreateSnapshotAsync(wanted)).Snapshot;
        using (var client = new NbdClient(At("nbd.sock"), snapshot.SnapshotId))
        {
            var read = new byte[data.Length];
            client.Read(1 << 20, read);
            Assert.Equal(data, read);
            Assert.Throws<IOException>(() => client.Write(0, data));
        }

        Assert.Contains(
            "refused", Assert.Throws<IOException>(() => new NbdClient(At("nbd.sock"), "nothing")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_volume_open_over_nbd_is_not_deleted()
    {
        using var csi = new CsiClient(At("csi.sock"));
        var delete = new DeleteVolumeRequest { VolumeId = (await csi.Controller.CreateVolumeAsync(Request("a"))).Volume.VolumeId };
        using (new NbdClient(At("nbd.sock"), delete.VolumeId))
            Assert.Equal(
                StatusCode.FailedPrecondition,
                (await Assert.ThrowsAsync<RpcException>(async () => await csi.Controller.DeleteVolumeAsync(delete))).StatusCode);
        // The server notices the end of the connection in its own time.
        for (var i = 0; i < 1200 && _host.Pools.All[0].Pool.ListUsage().Any(usage => usage.OpenHandles > 0); i++)
            await Task.Delay(50);
        await csi.Controller.DeleteVolumeAsync(delete);
    }

    [Fact]
    public async Task Metrics_and_health_answer_over_http()
    {
        using var csi = new CsiClient(At("csi.sock"));
        await csi.Controller.CreateVolumeAsync(Request("a"));
        using var http = new HttpClient { BaseAddress = _host.MetricsAddress };
        var text = await http.GetStringAsync("/metrics");
        Assert.Contains("csithin_pool_size_bytes{pool=\"p\"} ", text, StringComparison.Ordinal);
        Assert.Contains("csithin_volume_size_bytes{pool=\"p\",volume=\"", text, StringComparison.Ordinal);
        Assert.Contains("csithin_csi_calls_total{method=\"/csi.v1.Controller/CreateVolume\",code=\"OK\"} ", text, StringComparison.Ordinal);
        Assert.Equal("ok\n", await http.GetStringAsync("/healthz"));
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await http.PostAsync("/metrics", null)).StatusCode);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public void Sockets_are_their_owners_alone()
    {
        foreach (var name in (string[])["csi.sock", "nbd.sock"])
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(At(name)));
    }

    [Fact]
    public async Task Services_that_do_not_work_are_unimplemented()
    {
        using var csi = new CsiClient(At("csi.sock"));
        var refusal = await Assert.ThrowsAsync<RpcException>(
            async () => await csi.Controller.ControllerPublishVolumeAsync(new ControllerPublishVolumeRequest()));
        Assert.Equal(StatusCode.Unimplemented, refusal.StatusCode);
    }

    [Fact]
    public async Task A_server_that_cannot_start_lets_go_of_everything()
    {
        var second = Options with { SocketPath = At("other.sock"), NbdPath = null, Metrics = null };
        Assert.Equal(
            PoolError.Busy,
            (await Assert.ThrowsAsync<PoolException>(() => ServerHost.StartAsync(second, NullLoggerFactory.Instance))).Error);
        second = second with { SocketPath = At("csi.sock"), Pools = [new PoolOption("q", At("second.img"), 256 << 20, null)] };
        Assert.Contains(
            "csi.sock",
            (await Assert.ThrowsAsync<IOException>(() => ServerHost.StartAsync(second, NullLoggerFactory.Instance))).Message,
            StringComparison.Ordinal);
        second = second with { SocketPath = At("third.sock"), Metrics = new IPEndPoint(IPAddress.Loopback, _host.MetricsAddress!.Port) };
        var taken = await Assert.ThrowsAsync<IOException>(() => ServerHost.StartAsync(second, NullLoggerFactory.Instance));
        Assert.Contains($"cannot listen on 127.0.0.1:{_host.MetricsAddress.Port}", taken.Message, StringComparison.Ordinal);
        using var pool = ThinPool.Open(At("second.img"), new PoolOpenOptions());
        Assert.True(File.Exists(At("csi.sock")), "the socket of the first server stays");
    }

    [Fact]
    public async Task What_was_made_is_there_after_a_restart()
    {
        using (var csi = new CsiClient(At("csi.sock")))
            await csi.Controller.CreateVolumeAsync(Request("a"));
        await _host.DisposeAsync();
        Assert.False(File.Exists(At("csi.sock")) || File.Exists(At("nbd.sock")));
        _host = await ServerHost.StartAsync(Options, NullLoggerFactory.Instance);
        using var again = new CsiClient(At("csi.sock"));
        Assert.Single((await again.Controller.ListVolumesAsync(new ListVolumesRequest())).Entries);
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private string At(string name) => Path.Combine(_directory.FullName, name);

    private static CreateVolumeRequest Request(string name) => new()
    {
        Name = name,
        CapacityRange = new CapacityRange { RequiredBytes = 64 << 20 },
        VolumeCapabilities = { new VolumeCapability { Block = new(), AccessMode = new() { Mode = AccessMode.SingleNodeWriter } } },
    };
}
