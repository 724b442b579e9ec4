using System.Diagnostics;
using System.Globalization;
using Csi.V1;
using CsiThin.Driver.Calls;
using CsiThin.Driver.Calls.Tls;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Router;
using CsiThin.Driver.Tests.Csi;
using CsiThin.Driver.Tests.Router;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace CsiThin.Driver.Bench;

/// <summary>
/// The router before many nodes, which run in another process on the same machine; everything over real gRPC and mutual TLS, and the router
/// called on its socket as a sidecar calls it. Prints figures; asserts nothing.
/// </summary>
internal static class RouterBench
{
    private const int VolumesEach = 100;
    private const int Creations = 400;
    private const int CallsAtOnce = 16;

    public static async Task<int> RunAsync(int nodes)
    {
        using var certificates = new TestCertificates();
        using var child = Start(nodes, certificates.Issue(TlsIdentity.NodeName));
        var addresses = ReadAddresses(child);
        var identity = certificates.Identity(TlsIdentity.ControllerName);
        using var table = new NodeTable(
            new FixedNodes(addresses), address => TlsChannel.Open(address.Address, identity, TlsIdentity.NodeName), TimeProvider.System);
        var directory = Directory.CreateTempSubdirectory("csithin-router-");
        var socket = Path.Combine(directory.FullName, "csi.sock");
        var services = new CallServices(
            "CSI",
            collection => collection.AddSingleton(new RouterControllerService(
                table, NodeTopology.Key, ControllerService.Offered(ControllerReach.Cluster))),
            routes => routes.MapGrpcService<RouterControllerService>());
        await using var server = await CallServer.StartAsync(socket, services, NullLoggerFactory.Instance);
        using var channel = UnixChannel.Open(socket);
        var client = new Controller.ControllerClient(channel);

        Console.WriteLine($"{nodes} nodes with {VolumesEach} volumes each");
        var first = await TimeAsync(() => table.RefreshAsync(TimeSpan.Zero, CancellationToken.None));
        Console.WriteLine($"connections to all of them and a first look at their pools: {first.TotalSeconds:f1} s");
        Memory();
        await CreateAsync(client, "CreateVolume, on a node the scheduler chose", nodes, 0, Creations);
        await ListAsync(client);
        Memory();

        var dead = nodes / 3;
        child.StandardInput.WriteLine($"stop {dead}");
        _ = child.StandardOutput.ReadLine(); // it answers when they are dead
        await CreateAsync(client, $"the same with {dead} nodes dead, on the others", nodes, dead, Creations);
        await RefusedAsync(client, dead);
        Memory();
        child.StandardInput.Close();
        await child.WaitForExitAsync();
        directory.Delete(recursive: true);
        return 0;
    }

    private static async Task CreateAsync(Controller.ControllerClient client, string what, int nodes, int firstNode, int count)
    {
        var latencies = new double[count];
        var processor = Environment.CpuUsage.TotalTime;
        var took = await TimeAsync(() => Parallel.ForEachAsync(
            Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = CallsAtOnce }, async (i, _) =>
            {
                var node = $"node-{firstNode + (i * 7919 % (nodes - firstNode))}";
                var request = ControllerFixture.CreateRequest($"new-{firstNode}-{i}", r => r.AccessibilityRequirements = On(node));
                latencies[i] = (await TimeAsync(async () => await client.CreateVolumeAsync(request))).TotalMilliseconds;
            }));
        Array.Sort(latencies);
        var each = (Environment.CpuUsage.TotalTime - processor).TotalMilliseconds / count;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what}: {count / took.TotalSeconds:f0} a second, {CallsAtOnce} at once; half within {latencies[count / 2]:f0} ms, " +
            $"99 in a hundred within {latencies[count * 99 / 100]:f0} ms; {each:f1} ms of the router's processor time each"));
    }

    private static async Task ListAsync(Controller.ControllerClient client)
    {
        var volumes = 0;
        var pages = 0;
        var took = await TimeAsync(async () =>
        {
            var token = "";
            do
            {
                var page = await client.ListVolumesAsync(new() { MaxEntries = 1000, StartingToken = token });
                volumes += page.Entries.Count;
                pages++;
                token = page.NextToken;
            }
            while (token.Length > 0);
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"ListVolumes of {volumes} in {pages} pages: {took.TotalSeconds:f2} s, {took.TotalMilliseconds / pages:f0} ms a page"));
    }

    private static async Task RefusedAsync(Controller.ControllerClient client, int dead)
    {
        var latencies = new List<double>();
        for (var i = 0; i < 200; i++)
        {
            var request = ControllerFixture.CreateRequest($"refused-{i}", r => r.AccessibilityRequirements = On($"node-{i % dead}"));
            latencies.Add((await TimeAsync(async () =>
            {
                try
                {
                    await client.CreateVolumeAsync(request);
                }
                catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
                {
                    // As it must be.
                }
            })).TotalMilliseconds);
        }

        latencies.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"on a dead node: refused within {latencies[100]:f0} ms half of the time, {latencies[198]:f0} ms 99 times in a hundred"));
    }

    private static TopologyRequirement On(string node) =>
        new() { Requisite = { new Topology { Segments = { { NodeTopology.Key, node } } } } };

    private static Process Start(int nodes, string certificates)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        foreach (var word in new[] { "nodes", $"{nodes}", $"{VolumesEach}", certificates })
            start.ArgumentList.Add(word);
        return Process.Start(start) ?? throw new InvalidOperationException("the nodes did not start");
    }

    private static List<NodeAddress> ReadAddresses(Process child)
    {
        var addresses = new List<NodeAddress>();
        while (child.StandardOutput.ReadLine() is { } line and not "ready")
        {
            var words = line.Split(' ');
            addresses.Add(new NodeAddress(words[0], new Uri($"https://127.0.0.1:{words[1]}")));
        }

        return addresses;
    }

    private static async Task<TimeSpan> TimeAsync(Func<Task> action)
    {
        var begin = Stopwatch.GetTimestamp();
        await action();
        return Stopwatch.GetElapsedTime(begin);
    }

    private static void Memory()
    {
        using var self = Process.GetCurrentProcess();
        Console.WriteLine($"the router's resident set: {self.WorkingSet64 >> 20} MiB");
    }
}
