using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Volumes;

/// <summary>With the pools in this process.</summary>
public sealed class VolumeListingTestsHere() : VolumeListingTests(EnginePlace.Here);

/// <summary>The same through the engine's API.</summary>
public sealed class VolumeListingTestsRemote() : VolumeListingTests(EnginePlace.Remote);

public abstract class VolumeListingTests : IDisposable
{
    private readonly VolumeManagerFixture _f;

    protected VolumeListingTests(EnginePlace place) => _f = new(place);

    public void Dispose()
    {
        _f.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(100)]
    public async Task Pages_together_are_the_whole_listing(int pageSize)
    {
        for (var i = 0; i < 21; i++)
            await _f.Create($"v{i}", pool: i % 2 == 0 ? "fast" : "big");
        var seen = await Pages(pageSize, _ => Task.CompletedTask);
        Assert.Equal((await _f.List(VolumeKind.Volume, 0, "")).Volumes.Select(volume => volume.Id), seen);
        Assert.Equal(21, seen.Distinct().Count());
    }

    [Fact]
    public async Task Volumes_that_stay_are_seen_once_while_others_come_and_go()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("CSITHIN_SEED"), out var given) ? given : Random.Shared.Next();
        var random = new Random(seed);
        var stay = new List<VolumeId>();
        var go = new List<VolumeInfo>();
        for (var i = 0; i < 60; i++)
        {
            var volume = await _f.Create($"v{i}", pool: random.Next(2) == 0 ? "fast" : "big");
            if (random.Next(2) == 0)
                stay.Add(volume.Id);
            else
                go.Add(volume);
        }

        var seen = await Pages(4, async page =>
        {
            await _f.Create($"new{page}");
            for (var i = 0; i < 3 && go.Count > 0; i++)
            {
                var at = random.Next(go.Count);
                await _f.Delete(go[at]);
                go.RemoveAt(at);
            }
        });
        Assert.True(seen.Count == seen.Distinct().Count(), $"one was seen twice, seed {seed}");
        Assert.True(stay.All(seen.Contains), $"one was not seen, seed {seed}");
    }

    [Fact]
    public async Task A_token_whose_volume_is_gone_still_continues()
    {
        var first = await _f.Create("a", pool: "fast");
        var second = await _f.Create("b", pool: "fast");
        var page = await _f.List(VolumeKind.Volume, 1, "");
        Assert.Equal(first.Id, page.Volumes.Single().Id);
        await _f.Delete(first);
        page = await _f.List(VolumeKind.Volume, 1, page.NextToken);
        Assert.Equal((second.Id, ""), (page.Volumes.Single().Id, page.NextToken));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("00000000000000000000000000000000-1")]
    public Task A_token_of_nothing_here_aborts(string token) =>
        VolumeManagerFixture.Refused(VolumeError.Aborted, () => _f.List(VolumeKind.Volume, 1, token));

    [Fact]
    public Task A_negative_page_is_refused() =>
        VolumeManagerFixture.Refused(VolumeError.InvalidArgument, () => _f.List(VolumeKind.Volume, -1, ""));

    [Fact]
    public async Task Capacity_is_the_free_space_of_the_pools_that_take_writes()
    {
        var none = new Dictionary<string, string>();
        var fastBytes = (16384L - 100) << 16;
        Assert.Equal(new Capacity(fastBytes + (1L << 36), 1L << 36), await _f.CapacityOf(none));
        Assert.Equal(
            new Capacity(fastBytes, fastBytes), await _f.CapacityOf(new Dictionary<string, string> { ["pool"] = "fast" }));
        Assert.Equal(Capacity.None, await _f.CapacityOf(new Dictionary<string, string> { ["pool"] = "elsewhere" }));
        _f.Big.Mode = PoolMode.ReadOnly;
        Assert.Equal(new Capacity(fastBytes, fastBytes), await _f.CapacityOf(none));
        await _f.Create("thin, so it takes nothing", 1L << 40, pool: "fast");
        Assert.Equal(fastBytes, (await _f.CapacityOf(none)).AvailableBytes);
    }

    [Fact]
    public void Two_pools_of_one_name_or_one_uuid_are_refused()
    {
        var pool = new FakePool();
        Assert.Throws<VolumeException>(() => new PoolSet([new NamedPool("a", pool), new NamedPool("a", new FakePool())]));
        Assert.Throws<VolumeException>(() => new PoolSet([new NamedPool("a", pool), new NamedPool("b", pool)]));
    }

    private async Task<List<VolumeId>> Pages(int pageSize, Func<int, Task> between)
    {
        var seen = new List<VolumeId>();
        var token = "";
        var page = 0;
        do
        {
            var (volumes, next) = await _f.List(VolumeKind.Volume, pageSize, token);
            Assert.True(volumes.Count <= pageSize);
            seen.AddRange(volumes.Select(volume => volume.Id));
            token = next;
            await between(page++);
        }
        while (token.Length > 0);
        return seen;
    }
}
