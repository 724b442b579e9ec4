using System.Net;
using CsiThin.Driver.Calls;
using CsiThin.Driver.Calls.Tls;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Router;
using CsiThin.Driver.Tests.Volumes;
using CsiThin.Driver.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Tests.Router;

/// <summary>A node's CSI services on a port of its own behind mutual TLS, over pools without data.</summary>
internal sealed class TestNode(string name, ILoggerFactory logs) : IAsyncDisposable
{
    private CallServer? _server;
    private int _port;

    public List<FakePool> Pools { get; } = [new()];

    public FakePool Pool => Pools[0];

    public string PoolName { get; init; } = "fast";

    public string Name => name;

    public NodeAddress Address => new(name, new Uri($"https://127.0.0.1:{_port}"));

    public async Task StartAsync(TlsIdentity identity)
    {
        var source = new EnginePools(Pools.Select((pool, i) => new NamedEnginePool(i == 0 ? PoolName : $"{PoolName}-{i}", pool)));
        var volumes = new VolumeManager(source, VolumeManager.DefaultLockWait);
        var services = new CallServices(
            "CSI",
            collection => collection
                .AddSingleton(new ControllerService(volumes, new NodeTopology(name)))
                .AddSingleton(new NodePoolsService(source)),
            routes =>
            {
                routes.MapGrpcService<ControllerService>();
                routes.MapGrpcService<NodePoolsService>();
            });
        var listener = new TlsListener(new IPEndPoint(IPAddress.Loopback, _port), identity, TlsIdentity.ControllerName);
        _server = await CallServer.StartAsync(listener, services, logs);
        _port = new Uri(_server.Address).Port;
    }

    /// <summary>The node dies; a later start brings it back on its port.</summary>
    public async Task StopAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _server = null;
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}
