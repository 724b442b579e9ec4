using CsiThin.Core.Pool;
using CsiThin.Driver.Tests.Csi;
using Xunit;

namespace CsiThin.Driver.Tests.Router;

/// <summary>Names are asked for together, and each after it came.</summary>
public sealed class NameSearchTests
{
    private const ulong NearlyAll = 8000;

    [Fact]
    public async Task Many_at_once_with_retries_from_another_replica_make_one_volume_each()
    {
        await using var cluster = await RouterFixture.StartAsync(3);
        var other = cluster.MakeRouter();
        var names = Enumerable.Range(0, 40).Select(i => $"pvc-{i}").ToList();
        var made = await Task.WhenAll(names.Select(name => cluster.Create(name)));
        var again = await Task.WhenAll(names.Select(async name =>
            (await other.CreateVolume(ControllerFixture.CreateRequest(name), new FakeCall())).Volume));
        Assert.Equal(made.Select(one => one.VolumeId), again.Select(one => one.VolumeId));
        Assert.Equal(names.Count, cluster.Nodes.Sum(node => node.Pool.Creations));
    }

    [Fact]
    public async Task A_volume_made_while_the_nodes_were_being_asked_is_found_by_who_comes_later()
    {
        await using var cluster = await RouterFixture.StartAsync(2);
        // Nobody would choose the first node for a new volume: what lands there was found.
        cluster.Nodes[0].Pool.DataBlocksUsed = NearlyAll;
        await cluster.Create("warm"); // connections are made
        using var asked = new SemaphoreSlim(0);
        using var release = new ManualResetEventSlim();
        var pool = cluster.Nodes[0].Pool;
        pool.BeforeFind = name =>
        {
            if (name != "first")
                return;
            asked.Release();
            release.Wait();
        };
        var first = cluster.Create("first");
        await asked.WaitAsync();
        // The question about "first" is on its way. "second" appears behind it, made through another replica that got no answer through.
        var made = pool.Create(new VolumeSpec { Name = "second", SizeBytes = 1 << 30 });
        var second = cluster.Create("second", request => request.CapacityRange = new() { RequiredBytes = 1 << 30 });
        await Task.Delay(100);
        Assert.False(second.IsCompleted); // it waits for a question of its own
        release.Set();
        Assert.Equal(made.Id.ToString(), (await second).VolumeId);
        await first;
    }
}
