using Csi.V1;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Tests.Csi;
using Grpc.Core;
using Xunit;

namespace CsiThin.Driver.Tests.Router;

/// <summary>Listings and capacity of all nodes together.</summary>
public sealed class MergedListingTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(15)]
    [InlineData(100)]
    public async Task Pages_of_any_size_show_every_volume_once_in_one_order(int pageEntries)
    {
        await using var cluster = await RouterFixture.StartAsync(3);
        await cluster.Nodes[1].StopAsync();
        cluster.Nodes[1].Pools.Add(new Tests.Volumes.FakePool());
        await cluster.StartAsync(cluster.Nodes[1]);
        for (var i = 0; i < 15; i++)
            await cluster.Create($"v{i}", request => request.AccessibilityRequirements = RouterFixture.On($"node-{i % 3}"));
        await cluster.Create("second pool", request => request.Parameters["pool"] = "fast-1");

        var paged = await ListAsync(cluster, pageEntries);

        Assert.Equal(16, paged.Count);
        Assert.Equal(paged.Order(StringComparer.Ordinal).Select(id => id[..32]), paged.Select(id => id[..32]));
        Assert.Equal(await ListAsync(cluster, 0), paged);
    }

    [Fact]
    public async Task The_other_replica_goes_on_where_the_first_stopped_and_what_stays_is_seen_once()
    {
        await using var cluster = await RouterFixture.StartAsync(3);
        for (var i = 0; i < 12; i++)
            await cluster.Create($"v{i}", request => request.AccessibilityRequirements = RouterFixture.On($"node-{i % 3}"));
        var all = await ListAsync(cluster, 0);
        var first = await cluster.Router.ListVolumes(new() { MaxEntries = 5 }, new FakeCall());
        // The last one shown and the next one go before the listing is continued.
        await cluster.Router.DeleteVolume(new() { VolumeId = all[4] }, new FakeCall());
        await cluster.Router.DeleteVolume(new() { VolumeId = all[5] }, new FakeCall());

        cluster.Router = cluster.MakeRouter();
        var rest = await cluster.Router.ListVolumes(new() { StartingToken = first.NextToken }, new FakeCall());

        Assert.Equal(all[6..], rest.Entries.Select(entry => entry.Volume.VolumeId));
        Assert.Empty(rest.NextToken);
    }

    [Fact]
    public async Task A_dead_nodes_entries_are_missing_and_no_others()
    {
        await using var cluster = await RouterFixture.StartAsync(3);
        for (var i = 0; i < 6; i++)
            await cluster.Create($"v{i}", request => request.AccessibilityRequirements = RouterFixture.On($"node-{i % 3}"));
        await cluster.Nodes[1].StopAsync();

        var listed = await cluster.Router.ListVolumes(new(), new FakeCall());

        Assert.Equal(4, listed.Entries.Count);
        Assert.DoesNotContain("node-1", listed.Entries.Select(entry => RouterFixture.NodeOf(entry.Volume)));
    }

    [Fact]
    public async Task A_token_that_was_never_given_out_begins_again()
    {
        await using var cluster = await RouterFixture.StartAsync(1);

        var refused = await RouterFixture.Refused(
            () => cluster.Router.ListVolumes(new() { StartingToken = "7" }, new FakeCall()));

        Assert.Equal(StatusCode.Aborted, refused.StatusCode);
    }

    [Fact]
    public async Task Capacity_is_of_the_segment_asked_for_or_of_all_nodes()
    {
        await using var cluster = await RouterFixture.StartAsync(2);
        cluster.Nodes[0].Pool.DataBlocksUsed = 16384 - 160;
        var place = new Topology { Segments = { { NodeTopology.Key, "node-0" } } };

        var one = await cluster.Router.GetCapacity(new() { AccessibleTopology = place }, new FakeCall());
        var all = await cluster.Router.GetCapacity(new(), new FakeCall());
        var none = await cluster.Router.GetCapacity(
            new() { AccessibleTopology = new() { Segments = { { NodeTopology.Key, "node-9" } } } }, new FakeCall());

        Assert.Equal(10L << 20, one.AvailableCapacity);
        Assert.Equal((1L << 30) + (10L << 20), all.AvailableCapacity);
        Assert.Equal(1L << 30, all.MaximumVolumeSize);
        Assert.Equal(0, none.AvailableCapacity);
    }

    private static async Task<List<string>> ListAsync(RouterFixture cluster, int pageEntries)
    {
        var ids = new List<string>();
        var token = "";
        do
        {
            var page = await cluster.Router.ListVolumes(new() { MaxEntries = pageEntries, StartingToken = token }, new FakeCall());
            Assert.True(pageEntries == 0 || page.Entries.Count <= pageEntries);
            ids.AddRange(page.Entries.Select(entry => entry.Volume.VolumeId));
            token = page.NextToken;
        }
        while (token.Length > 0);
        return ids;
    }
}
