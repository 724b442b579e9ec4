using System.Net;
using System.Text.Json.Nodes;
using Csi.V1;
using CsiThin.Core.Tests.Support;
using CsiThin.Driver.Cli;
using CsiThin.Driver.Cli.Hosting;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Node;
using CsiThin.Driver.Router;
using CsiThin.Driver.Tests.Csi;
using CsiThin.Driver.Tests.Kube;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.Driver.Tests.Router;
using CsiThin.Driver.Tests.Rpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace CsiThin.Driver.Tests.Cli.Hosting;

/// <summary>
/// A cluster in this process: an engine and a node for each name and a router, hosts of their own that meet over sockets, gRPC and mutual
/// TLS, and an API server that does wrong as the test wants. The clock of all that concerns the API server is the test's.
/// </summary>
internal sealed class HostedCluster : IAsyncDisposable
{
    private static readonly ApiResource ThinPools = ApiResource.Known.Single(one => one.Plural == "thinpools");
    private static readonly ApiResource Events = ApiResource.Known.Single(one => one.Plural == "events");

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-cluster-");
    private readonly TestCertificates _certificates = new();
    private readonly TestAuthority _authority = TestAuthority.Make("cluster");
    private readonly List<EngineHost> _engines = [];
    private readonly List<NodeHost> _nodes = [];
    private readonly List<NodeAddress> _addresses = [];
    private readonly ILoggerFactory _logs;
    private ControllerHost? _router;
    private CsiClient? _client;

    private HostedCluster() => _logs = LoggerFactory.Create(builder => builder.AddProvider(Log));

    public FakeTimeProvider Clock { get; } = new();

    public TestApiServer Server { get; private set; } = null!;

    /// <summary>What all hosts warned of.</summary>
    public LogList Log { get; } = new();

    /// <summary>The router's Controller service, over its socket.</summary>
    public Controller.ControllerClient Router => _client!.Controller;

    public Identity.IdentityClient RouterIdentity => _client!.Identity;

    /// <summary>Starts the nodes, and a router that knows them when it is there.</summary>
    public static async Task<HostedCluster> StartAsync(params string[] nodes)
    {
        var cluster = new HostedCluster();
        cluster.Server = await TestApiServer.StartAsync(cluster._authority.Issue(), cluster.Clock);
        cluster.Trust(isRight: true);
        File.WriteAllText(cluster.At("config"), $$"""
            {apiVersion: v1, kind: Config, current-context: c,
             clusters: [{name: c, cluster: {server: "{{cluster.Server.Address}}", certificate-authority: ca.crt} }],
             users: [{name: u, user: {} }],
             contexts: [{name: c, context: {cluster: c, user: u} }]}
            """);
        foreach (var node in nodes)
        {
            cluster.AddNode(node);
            await cluster.StartNodeAsync(node);
        }

        await cluster.HoldsAsync(() => nodes.All(node => cluster.Status(node)?.HeartbeatTime is not null));
        await cluster.RestartRouterAsync();
        return cluster;
    }

    /// <summary>Puts the CA into the file that everybody reads, or that of another cluster.</summary>
    public void Trust(bool isRight) =>
        File.WriteAllText(At("ca.crt"), (isRight ? _authority : TestAuthority.Make("another cluster")).Pem);

    /// <summary>Ends the router, and starts one that asks the API server for the nodes, or is told them.</summary>
    public async Task RestartRouterAsync(bool areNodesGiven = false)
    {
        await StopRouterAsync();
        var options = new ControllerOptions(At("csi.sock"), _certificates.IssueForController());
        var starting = ControllerHost.StartAsync(
            areNodesGiven ? options with { Nodes = _addresses } : options with { Cluster = Cluster }, _logs);
        await HoldsAsync(() => starting.IsCompleted);
        _router = await starting;
        _client = new CsiClient(At("csi.sock"));
    }

    /// <summary>Ends a node's CSI process, and starts another one.</summary>
    public async Task RestartNodeAsync(string name)
    {
        var number = _addresses.FindIndex(one => one.Name == name);
        await _nodes[number].DisposeAsync();
        _nodes.RemoveAt(number);
        await StartNodeAsync(name);
    }

    /// <summary>A volume of the name on the node, made through the router.</summary>
    public async Task<Volume> CreateAsync(string name, string node) => (await Router.CreateVolumeAsync(
        ControllerFixture.CreateRequest(name, request => request.AccessibilityRequirements = RouterFixture.On(node)))).Volume;

    /// <summary>What the node has published of its pool.</summary>
    public ThinPoolStatus? Status(string node) =>
        TestObjects.Read<ThinPoolObject>(Server, ThinPools).Find(one => one.Metadata.Name == $"{node}.fast")?.Status;

    /// <summary>The events that were told, as "kind name reason".</summary>
    public IEnumerable<string> Told() => TestObjects.Read<KubeEvent>(Server, Events)
        .Select(one => $"{one.InvolvedObject.Kind} {one.InvolvedObject.Name} {one.Reason}");

    /// <summary>Changes the status of a node's ThinPool as somebody with kubectl does.</summary>
    public void EditStatus(string node, string json) => Server.Objects.Merge(
        ThinPools, new ApiKey("csithin.io", "thinpools", null, $"{node}.fast"),
        (JsonObject)JsonNode.Parse($$"""{"status":{{json}}}""")!, "status", "kubectl-edit");

    /// <summary>Moves the clock until it holds; returns by how much.</summary>
    public Task<TimeSpan> HoldsAsync(Func<bool> condition) =>
        Eventually.HoldsAsync(Clock, TimeSpan.FromMilliseconds(500), condition, "the cluster");

    /// <summary>Lets the cluster's time pass.</summary>
    public async Task PassAsync(TimeSpan span)
    {
        var end = Clock.GetUtcNow() + span;
        await Eventually.HoldsAsync(Clock, TimeSpan.FromSeconds(2), () => Clock.GetUtcNow() >= end, "time to pass");
    }

    public async ValueTask DisposeAsync()
    {
        await StopRouterAsync();
        foreach (var node in _nodes)
            await node.DisposeAsync();
        foreach (var engine in _engines)
            await engine.DisposeAsync();
        await Server.DisposeAsync();
        _certificates.Dispose();
        _logs.Dispose();
        Log.Dispose();
        _directory.Delete(recursive: true);
    }

    private ClusterOptions Cluster => new(At("config")) { Time = Clock };

    private void AddNode(string name) =>
        _addresses.Add(new NodeAddress(name, new Uri($"https://127.0.0.1:{Loopback.FreePort()}")));

    private async Task StartNodeAsync(string name)
    {
        var number = _addresses.FindIndex(one => one.Name == name);
        var address = _addresses[number].Address;
        var engine = new ControlSocket(At($"{name}/engine.sock"), IsRequired: true);
        if (_engines.Count == number)
            _engines.Add(await EngineHost.StartAsync(
                new EngineOptions([new PoolOption("fast", At(name + ".img"), 256 << 20, null)]) { Control = engine, CacheBytes = 4 << 20 },
                _logs));
        var options = new NodeHostOptions(
            At($"{name}/csi.sock"), engine.Path, name, new NodeOptions(At($"{name}/kubelet"), At($"{name}/state")))
        {
            Remote = new RemoteOptions(new IPEndPoint(IPAddress.Loopback, address.Port), _certificates.IssueForNode()),
            Cluster = Cluster with { Address = address.Authority },
        };
        _nodes.Insert(number, await NodeHost.StartAsync(options, _logs));
    }

    private async Task StopRouterAsync()
    {
        _client?.Dispose();
        if (_router is { } router)
        {
            var ending = router.DisposeAsync().AsTask();
            await HoldsAsync(() => ending.IsCompleted); // it gives its lease back, or has waited for that long enough
            await ending;
        }

        (_router, _client) = (null, null);
    }

    private string At(string name) => Path.Combine(_directory.FullName, name);
}
