using System.Net;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Tests.Kube.Server;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>The seven verbs against an API server that behaves, and one that does not.</summary>
public sealed class KubeClientTests : IAsyncLifetime
{
    private TestApiServer _server = null!;
    private KubeClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        _client = _server.Client();
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Objects_are_made_read_replaced_and_deleted()
    {
        var made = await _client.CreateAsync(Lease("one"), default);
        Assert.NotNull(made.Metadata.Uid);
        var read = await _client.GetAsync<KubeLease>(new("one", "system"), default);
        Assert.Equal(made, read);
        var changed = await _client.ReplaceAsync(read with { Spec = read.Spec with { HolderIdentity = "b" } }, default);
        Assert.Equal("b", changed.Spec.HolderIdentity);
        await _client.DeleteAsync<KubeLease>(new("one", "system"), new DeletePreconditions(made.Metadata.Uid), default);
        Assert.Null(await _client.FindAsync<KubeLease>(new("one", "system"), default));
    }

    [Fact]
    public async Task Refusals_are_typed_and_name_verb_resource_and_object()
    {
        var absent = await Assert.ThrowsAsync<KubeException>(() => _client.GetAsync<KubeLease>(new("no", "system"), default));
        Assert.Equal(
            (KubeError.NotFound, HttpStatusCode.NotFound, "NotFound"), (absent.Error, absent.Code, absent.Reason));
        Assert.StartsWith(
            "cannot get leases.coordination.k8s.io 'system/no': the API server answers 404 NotFound: ",
            absent.Message,
            StringComparison.Ordinal);

        var made = await _client.CreateAsync(Lease("two"), default);
        var twice = await Assert.ThrowsAsync<KubeException>(() => _client.CreateAsync(Lease("two"), default));
        Assert.Equal(KubeError.AlreadyExists, twice.Error);

        await _client.ReplaceAsync(made with { Spec = made.Spec with { HolderIdentity = "x" } }, default);
        var stale = await Assert.ThrowsAsync<KubeException>(() => _client.ReplaceAsync(made, default));
        Assert.Equal(KubeError.Conflict, stale.Error);

        var other = await Assert.ThrowsAsync<KubeException>(
            () => _client.DeleteAsync<KubeLease>(new("two", "system"), new DeletePreconditions("another uid"), default));
        Assert.Equal(KubeError.Conflict, other.Error);
    }

    [Fact]
    public async Task Applied_fields_come_stay_and_go_and_other_managers_keep_theirs()
    {
        var name = new ObjectName("n1.fast");
        await _client.ApplyAsync(Pool(new() { NodeName = "n1", PoolName = "fast", BlockSize = "64Ki" }), "us", default);
        var merged = await _client.PatchAsync<ThinPoolObject>(
            name, KubePatch.Merge(new { Spec = new { Thresholds = new { NearlyFullPercent = 70 } } }, "hand"), default);
        Assert.Equal(70, merged.Spec!.Thresholds!.NearlyFullPercent);

        var again = await _client.ApplyAsync(Pool(new() { NodeName = "n1", PoolName = "fast" }), "us", default);
        Assert.Null(again.Spec!.BlockSize);
        Assert.Equal(70, again.Spec.Thresholds!.NearlyFullPercent);

        var wanted = Pool(new() { NodeName = "n1", PoolName = "fast", Thresholds = new() { NearlyFullPercent = 60 } });
        var unforced = KubePatch.Apply(Whole(wanted), "us") with { IsForced = false };
        var conflict = await Assert.ThrowsAsync<KubeException>(() => _client.PatchAsync<ThinPoolObject>(name, unforced, default));
        Assert.Equal(KubeError.Conflict, conflict.Error);
        Assert.Contains("conflict with \"hand\"", conflict.Message, StringComparison.Ordinal);
        var forced = await _client.PatchAsync<ThinPoolObject>(name, unforced with { IsForced = true }, default);
        Assert.Equal(60, forced.Spec!.Thresholds!.NearlyFullPercent);
    }

    [Fact]
    public async Task The_status_is_changed_through_its_sub_resource_alone()
    {
        var pool = Pool(new() { NodeName = "n1", PoolName = "fast" }) with { Status = new() { Volumes = 7 } };
        var made = await _client.ApplyAsync(pool, "us", default);
        Assert.Null(made.Status);
        var status = await _client.ApplyAsync(
            new ThinPoolObject { Metadata = pool.Metadata, Status = pool.Status }, "us", default, "status");
        Assert.Equal((7, "fast"), (status.Status!.Volumes, status.Spec!.PoolName));
        var refused = await Assert.ThrowsAsync<KubeException>(() => _client.ApplyAsync(
            new ThinPoolObject { Metadata = pool.Metadata, Status = new() { Mode = "broken" } }, "us", default, "status"));
        Assert.Equal((KubeError.Invalid, "Invalid"), (refused.Error, refused.Reason));
        Assert.Contains(".status.mode", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_come_in_pages_and_one_that_expires_begins_again()
    {
        for (var number = 0; number < 25; number++)
            await _client.CreateAsync(Lease($"l{number:00}"), default);
        var pages = 0;
        _server.Faults.OnRequest = request =>
        {
            if (request.Verb == "list" && ++pages == 3)
                _server.ExpirePages();
            return null;
        };
        var list = await _client.ListAsync<KubeLease>(new KubeSelection { Namespace = "system" }, default, pageObjects: 10);
        Assert.Equal(Enumerable.Range(0, 25).Select(number => $"l{number:00}"), list.Items!.Select(one => one.Metadata.Name));
        Assert.Equal(3 + 3, pages); // two good pages and the expired one, then all three

        _server.Faults.OnRequest = _ =>
        {
            _server.ExpirePages();
            return null;
        };
        var never = await Assert.ThrowsAsync<KubeException>(
            () => _client.ListAsync<KubeLease>(KubeSelection.All, default, pageObjects: 10));
        Assert.Equal(KubeError.Expired, never.Error);
    }

    [Fact]
    public async Task Of_nodes_only_the_metadata_is_asked_for()
    {
        _server.Objects.Create(ApiResource.Known[0], new("", "nodes", null, "n1"), new()
        {
            ["metadata"] = new System.Text.Json.Nodes.JsonObject(),
            ["status"] = new System.Text.Json.Nodes.JsonObject { ["images"] = "long" },
        });
        var nodes = await _client.ListAsync<KubeNode>(KubeSelection.All, default);
        Assert.Equal("PartialObjectMetadata", Assert.Single(nodes.Items!).Kind);
        Assert.Equal("n1", (await _client.GetAsync<KubeNode>(new("n1"), default)).Metadata.Name);
    }

    internal static KubeLease Lease(string name) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "system" },
        Spec = new KubeLeaseSpec { HolderIdentity = "a", RenewTime = DateTimeOffset.UnixEpoch.AddMicroseconds(1234567) },
    };

    private static ThinPoolObject Pool(ThinPoolSpec spec) =>
        new() { Metadata = new ObjectMeta { Name = $"{spec.NodeName}.{spec.PoolName}" }, Spec = spec };

    private static ThinPoolObject Whole(ThinPoolObject pool) =>
        pool with { ApiVersion = ThinPoolObject.Resource.ApiVersion, Kind = ThinPoolObject.Resource.Kind };
}
