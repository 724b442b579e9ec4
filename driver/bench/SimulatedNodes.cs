using System.Globalization;
using CsiThin.Core.Pool;
using CsiThin.Driver.Tests.Router;
using Microsoft.Extensions.Logging.Abstractions;

namespace CsiThin.Driver.Bench;

/// <summary>
/// Many nodes in one process: each with its own port, services and pool, the pool without data. Prints a line NAME PORT for each, and takes
/// commands from its standard input: <c>stop N</c> ends the first N nodes; the end of the input ends all.
/// </summary>
internal static class SimulatedNodes
{
    public static async Task<int> RunAsync(int count, int volumesEach, string certificates)
    {
        var identity = TestCertificates.Load(certificates);
        var nodes = new List<TestNode>();
        for (var i = 0; i < count; i++)
        {
            var node = new TestNode($"node-{i}", NullLoggerFactory.Instance);
            node.Pool.DataBlocksTotal = 1 << 24;
            for (var volume = 0; volume < volumesEach; volume++)
                node.Pool.Create(new VolumeSpec { Name = $"pvc-{i}-{volume}", SizeBytes = 1 << 30 });
            await node.StartAsync(identity);
            nodes.Add(node);
            Console.WriteLine($"{node.Name} {node.Address.Address.Port}");
        }

        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            var stop = int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
            foreach (var node in nodes.Take(stop))
                await node.StopAsync();
            Console.WriteLine("done");
        }

        return 0;
    }
}
