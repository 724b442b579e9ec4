using System.Text.Json.Nodes;
using CsiThin.Driver.Kube.Pools;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <content>ThinPool objects that somebody else writes.</content>
public sealed partial class PoolPublisherTests
{
    [Fact]
    public async Task The_spec_of_a_declared_pool_edited_by_hand_is_put_right()
    {
        var devices = new ThinPoolDevices { Paths = ["/dev/disk/by-id/nvme-good"] };
        _readings.Declared =
        [
            new PoolReading("fast")
            {
                Declared = new ThinPoolSpec { PoolName = "fast", Devices = devices, Thresholds = new() { NearlyFullPercent = 70 } },
            },
        ];
        Start();
        await HoldsAsync(() => Pool()?.Status is not null);
        await PassAsync(TimeSpan.FromSeconds(5));
        foreach (var edit in new[]
        {
            """{"spec":{"devices":{"paths":["/dev/sda"]}}}""",
            """{"spec":{"thresholds":{"nearlyFullPercent":99}}}""",
            """{"spec":{"devices":null}}""",
        })
        {
            _server.Objects.Merge(ThinPools, Key(), Json(edit), null, "kubectl-edit");
            await HoldsAsync(() => Pool()!.Spec is { Thresholds.NearlyFullPercent: 70, Devices.Paths: ["/dev/disk/by-id/nvme-good"] });
        }

        Assert.Equal("True", Condition("Ready")!.Status); // and the pool never noticed
    }

    [Fact]
    public async Task An_object_made_by_hand_has_no_disk_formatted_and_says_how_it_is_done()
    {
        Start();
        await HoldsAsync(() => Pool()?.Status is not null);
        _server.Objects.Create(ThinPools, Key("n1.bulk"), new JsonObject
        {
            ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["csithin.io/node"] = "n1" } },
            ["spec"] = Json("""{"nodeName":"n1","poolName":"bulk","devices":{"paths":["/dev/sdz"]}}"""),
        });
        await HoldsAsync(() => Pool("n1.bulk")?.Status?.Conditions is not null);
        var ready = Pool("n1.bulk")!.Status!.Conditions![0];
        Assert.Equal(("Ready", "False", PoolTrouble.NotServed), (ready.Type, ready.Status, ready.Reason));
        Assert.Equal(
            "node n1 serves no pool 'bulk'; the devices in an object are not acted on: declare the pool in the chart's values (pools) and "
            + "restart the node's engine",
            ready.Message);
        Assert.Equal(["/dev/sdz"], Pool("n1.bulk")!.Spec!.Devices!.Paths!); // what the administrator wrote stays
    }
}
