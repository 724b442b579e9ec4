using Csi.V1;
using CsiThin.Driver.Calls;
using CsiThin.Driver.Calls.Tls;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Router;
using CsiThin.Driver.Tests.Csi;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CsiThin.Driver.Tests.Router;

/// <summary>A router before a few nodes, all over real gRPC and mutual TLS.</summary>
internal sealed class RouterFixture : IAsyncDisposable
{
    private readonly TestCertificates _certificates = new();
    private readonly TlsIdentity _nodeIdentity;
    private readonly List<NodeTable> _tables = [];
    private readonly List<NodeAddress> _listed = [];

    private RouterFixture() => _nodeIdentity = _certificates.Identity(TlsIdentity.NodeName);

    public List<TestNode> Nodes { get; } = [];

    public SteppedTime Time { get; } = new();

    public Controller.ControllerBase Router { get; set; } = null!;

    /// <summary>Nodes "node-0", "node-1" and so on with a pool "fast" each, and one router.</summary>
    public static async Task<RouterFixture> StartAsync(int nodes)
    {
        var fixture = new RouterFixture();
        for (var i = 0; i < nodes; i++)
            fixture.Nodes.Add(await fixture.StartNodeAsync($"node-{i}", "fast"));
        fixture.Router = fixture.MakeRouter();
        return fixture;
    }

    public async Task<TestNode> StartNodeAsync(string name, string pool)
    {
        var node = new TestNode(name, NullLoggerFactory.Instance) { PoolName = pool };
        await StartAsync(node);
        _listed.Add(node.Address);
        return node;
    }

    /// <summary>Routers that are made from now on know of a node at an address where it may or may not be.</summary>
    public void List(NodeAddress address) => _listed.Add(address);

    public Task StartAsync(TestNode node) => node.StartAsync(_nodeIdentity);

    /// <summary>Another replica, which knows nothing of the first.</summary>
    public RouterControllerService MakeRouter()
    {
        var identity = _certificates.Identity(TlsIdentity.ControllerName);
        var table = new NodeTable(
            new FixedNodes(_listed), address => TlsChannel.Open(address.Address, identity, TlsIdentity.NodeName), Time);
        _tables.Add(table);
        return new RouterControllerService(table, NodeTopology.Key, ControllerService.Offered(ControllerReach.Cluster));
    }

    public async Task<Volume> Create(string name, Action<CreateVolumeRequest>? change = null) =>
        (await Router.CreateVolume(ControllerFixture.CreateRequest(name, change), new FakeCall())).Volume;

    public TestNode Home(Volume volume) => Nodes.Single(node => node.Name == NodeOf(volume));

    public static string NodeOf(Volume volume) => volume.AccessibleTopology.Single().Segments[NodeTopology.Key];

    public static TopologyRequirement On(params string[] nodes) =>
        new() { Requisite = { nodes.Select(node => new Topology { Segments = { { NodeTopology.Key, node } } }) } };

    /// <summary>The status that the client of the router would see.</summary>
    public static async Task<Status> Refused(Func<Task> call)
    {
        var refusal = await Assert.ThrowsAnyAsync<Exception>(call);
        return Assert.NotNull(ErrorTranslation.ToStatus(refusal));
    }

    public async ValueTask DisposeAsync()
    {
        _tables.ForEach(table => table.Dispose());
        foreach (var node in Nodes)
            await node.DisposeAsync();
        _certificates.Dispose();
    }
}
