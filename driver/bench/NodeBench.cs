using System.Diagnostics;
using System.Globalization;
using Csi.V1;
using CsiThin.Driver.Cli;
using CsiThin.Driver.Cli.Hosting;
using CsiThin.Driver.Node;
using CsiThin.Driver.Tests.Csi;
using Microsoft.Extensions.Logging.Abstractions;

namespace CsiThin.Driver.Bench;

/// <summary>
/// One node: volumes made, snapshotted and deleted through gRPC on its unix socket, which calls an engine over another one, on a pool in a
/// file. Every verb is committed to the file before it is answered. Prints figures; asserts nothing.
/// </summary>
internal static class NodeBench
{
    private const int CallsAtOnce = 16;
    private const long PoolBytes = 64L << 30;

    public static async Task<int> RunAsync(int volumes, string parent)
    {
        var directory = Directory.CreateDirectory(Path.Combine(parent, $"csithin-node-bench-{Environment.ProcessId}"));
        string At(string name) => Path.Combine(directory.FullName, name);
        try
        {
            var engineOptions = new EngineOptions([new PoolOption("p", At("pool.img"), PoolBytes, null)])
            {
                Control = new ControlSocket(At("engine.sock"), IsRequired: true),
            };
            var engine = await EngineHost.StartAsync(engineOptions, NullLoggerFactory.Instance);
            await using (engine)
            {
                var nodeOptions = new NodeHostOptions(
                    At("csi.sock"), At("engine.sock"), "node-1", new NodeOptions(At("kubelet"), At("state")));
                var node = await NodeHost.StartAsync(nodeOptions, NullLoggerFactory.Instance);
                await using (node)
                {
                    using var csi = new CsiClient(At("csi.sock"));
                    Console.WriteLine($"{volumes} volumes on a pool in {directory.FullName}, {CallsAtOnce} calls at once, then one by one");
                    await RoundAsync(csi.Controller, volumes, CallsAtOnce);
                    await RoundAsync(csi.Controller, volumes, 1);
                }
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }

        return 0;
    }

    private static async Task RoundAsync(Controller.ControllerClient client, int volumes, int callsAtOnce)
    {
        var made = new string[volumes];
        var snapshots = new string[volumes];
        await TimeAsync("CreateVolume", volumes, callsAtOnce, async i =>
        {
            var request = ControllerFixture.CreateRequest(
                $"{callsAtOnce}-pvc-{i}", one => one.CapacityRange = new CapacityRange { RequiredBytes = 1L << 30 });
            made[i] = (await client.CreateVolumeAsync(request)).Volume.VolumeId;
        });
        await TimeAsync("CreateSnapshot", volumes, callsAtOnce, async i =>
        {
            var request = new CreateSnapshotRequest { Name = $"{callsAtOnce}-snapshot-{i}", SourceVolumeId = made[i] };
            snapshots[i] = (await client.CreateSnapshotAsync(request)).Snapshot.SnapshotId;
        });
        await TimeAsync("DeleteSnapshot", volumes, callsAtOnce, async i =>
            await client.DeleteSnapshotAsync(new DeleteSnapshotRequest { SnapshotId = snapshots[i] }));
        await TimeAsync("DeleteVolume", volumes, callsAtOnce, async i =>
            await client.DeleteVolumeAsync(new DeleteVolumeRequest { VolumeId = made[i] }));
    }

    private static async Task TimeAsync(string what, int count, int callsAtOnce, Func<int, Task> call)
    {
        var latencies = new double[count];
        var processor = Environment.CpuUsage.TotalTime;
        var begin = Stopwatch.GetTimestamp();
        var options = new ParallelOptions { MaxDegreeOfParallelism = callsAtOnce };
        await Parallel.ForEachAsync(Enumerable.Range(0, count), options, async (i, _) =>
        {
            var start = Stopwatch.GetTimestamp();
            await call(i);
            latencies[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        });
        var took = Stopwatch.GetElapsedTime(begin);
        var each = (Environment.CpuUsage.TotalTime - processor).TotalMilliseconds / count;
        Array.Sort(latencies);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what,-14} {count / took.TotalSeconds,6:f0} a second; half within {latencies[count / 2]:f1} ms, 99 in a hundred within " +
            $"{latencies[count * 99 / 100]:f1} ms; {each:f2} ms of processor time each, client, node and engine together"));
    }
}
