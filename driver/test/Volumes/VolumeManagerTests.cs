using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;
using CsiThin.Driver.Volumes;
using Xunit;
using static CsiThin.Driver.Tests.Volumes.VolumeManagerFixture;

namespace CsiThin.Driver.Tests.Volumes;

/// <summary>With the pools in this process.</summary>
public sealed class VolumeManagerTestsHere() : VolumeManagerTests(EnginePlace.Here);

/// <summary>The same through the engine's API.</summary>
public sealed class VolumeManagerTestsRemote() : VolumeManagerTests(EnginePlace.Remote);

public abstract class VolumeManagerTests : IDisposable
{
    private const long Gib = 1L << 30;

    private readonly VolumeManagerFixture _f;

    protected VolumeManagerTests(EnginePlace place) => _f = new(place);

    public void Dispose()
    {
        _f.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Creating_twice_gives_the_same_volume()
    {
        var first = await _f.Create("a", Gib);
        var second = await _f.Create("a", Gib);
        AssertSame(first, second);
        Assert.Equal(1, _f.Big.Creations + _f.Fast.Creations);
    }

    [Fact]
    public async Task An_existing_volume_inside_the_asked_range_is_the_answer()
    {
        var first = await _f.Create("a", 2 * Gib);
        Assert.Equal(first.Id, (await _f.Create("a", Gib, 3 * Gib)).Id);
    }

    [Fact]
    public async Task An_existing_volume_outside_the_asked_range_is_an_error_with_both_sizes()
    {
        await _f.Create("a", Gib);
        var small = await Refused(VolumeError.Exists, () => _f.Create("a", 2 * Gib));
        Assert.Equal("volume 'a' exists, but it has 1073741824 bytes, less than the 2147483648 required", small);
        var large = await Refused(VolumeError.Exists, () => _f.Create("a", 4096, 1 << 20));
        Assert.Contains("more than the limit of 1048576", large, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_existing_volume_of_another_source_is_an_error_with_both_sources()
    {
        var a = await _f.Create("a");
        var b = await _f.Create("b");
        await _f.Create("clone", source: a);
        Assert.Contains(
            $"from volume '{a.Id}', not from volume '{b.Id}'",
            await Refused(VolumeError.Exists, () => _f.Create("clone", source: b)),
            StringComparison.Ordinal);
        Assert.Contains("not empty", await Refused(VolumeError.Exists, () => _f.Create("clone")), StringComparison.Ordinal);
        Assert.Contains("was made empty", await Refused(VolumeError.Exists, () => _f.Create("a", source: b)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_existing_volume_in_another_pool_is_an_error_with_both_pools()
    {
        await _f.Create("a", pool: "fast");
        Assert.Contains(
            "it is in pool 'fast', not in 'big'",
            await Refused(VolumeError.Exists, () => _f.Create("a", pool: "big")),
            StringComparison.Ordinal);
        Assert.NotNull(await _f.Create("a"));
    }

    [Fact]
    public async Task An_existing_volume_of_another_file_system_is_an_error()
    {
        Task<VolumeInfo> With(string type) => _f.Volumes.CreateAsync(
            new VolumeRequest { Name = "a", Parameters = new Dictionary<string, string> { [ParameterRules.FileSystem] = type } },
            CancellationToken.None);
        await With("ext4");
        Assert.NotNull(await With("ext4"));
        Assert.Contains("'ext4', not 'xfs'", await Refused(VolumeError.Exists, () => With("xfs")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_pool_parameter_the_emptiest_writable_pool_is_taken()
    {
        Assert.Equal(_f.Big.Uuid, (await _f.Create("a")).Id.Pool);
        _f.Big.Mode = PoolMode.ReadOnly;
        Assert.Equal(_f.Fast.Uuid, (await _f.Create("b")).Id.Pool);
        _f.Fast.Mode = PoolMode.OutOfDataSpace;
        Assert.Equal(
            "volume 'c': no pool here takes new volumes ('big' is read-only, 'fast' is out-of-data-space)",
            await Refused(VolumeError.NoPool, () => _f.Create("c")));
    }

    [Fact]
    public async Task A_pool_too_full_for_new_volumes_is_taken_only_when_all_are_so_that_it_says_why()
    {
        _f.Big.DataLevel = SpaceLevel.VolumesRefused;
        Assert.Equal(_f.Fast.Uuid, (await _f.Create("a")).Id.Pool);
        _f.Fast.MetadataLevel = SpaceLevel.VolumesRefused;
        _f.Big.NextFailure = new PoolException(PoolError.NoSpace, "too full");
        var refusal = await Assert.ThrowsAsync<PoolException>(() => _f.Create("b"));
        Assert.Equal((PoolError.NoSpace, "too full"), (refusal.Error, refusal.Message));
        Assert.Equal(Capacity.None, await _f.CapacityOf(new Dictionary<string, string>()));
    }

    [Fact]
    public async Task What_happens_when_the_pool_is_full_is_a_parameter_that_a_second_creation_does_not_change()
    {
        Task<VolumeInfo> With(string? policy) => _f.Volumes.CreateAsync(
            new VolumeRequest
            {
                Name = "a",
                Parameters = policy is null
                    ? new Dictionary<string, string>()
                    : new Dictionary<string, string> { [ParameterRules.WhenFull] = policy },
            },
            CancellationToken.None);
        var volume = await With("error");
        Assert.Equal(FullPolicy.Error, FullPolicies.Of(volume.Parameters));
        Assert.Equal(volume.Id, (await With("error")).Id);
        Assert.Contains("'error', not 'queue'", await Refused(VolumeError.Exists, () => With(null)), StringComparison.Ordinal);
        Assert.Contains(
            "'whenFull' is 'wait'; it must be queue or error",
            await Refused(VolumeError.InvalidArgument, () => With("wait")),
            StringComparison.Ordinal);
        await _f.Volumes.DeleteAsync(VolumeKind.Volume, volume.Id.ToString(), CancellationToken.None);
        Assert.Equal((await With(null)).Id, (await With("queue")).Id);
    }

    [Fact]
    public async Task An_unknown_pool_is_refused_with_the_nearest_name_and_those_there_are() =>
        Assert.Equal(
            "volume 'a': there is no pool 'fats' here; the nearest name is 'fast' of 'big', 'fast'",
            await Refused(VolumeError.InvalidArgument, () => _f.Create("a", pool: "fats")));

    [Fact]
    public async Task A_clone_lives_in_its_sources_pool_and_nowhere_else()
    {
        var source = await _f.Create("a", pool: "fast");
        Assert.Equal(_f.Fast.Uuid, (await _f.Create("b", source: source)).Id.Pool);
        Assert.Contains(
            "its source is in pool 'fast'",
            await Refused(VolumeError.InvalidArgument, () => _f.Create("c", source: source, pool: "big")),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clone_has_its_sources_size_or_more()
    {
        var source = await _f.Create("a", 2 * Gib);
        Assert.Equal(2 * Gib, (await _f.Create("same", source: source)).SizeBytes);
        Assert.Equal(2 * Gib, (await _f.Create("asked for less", Gib, source: source)).SizeBytes);
        Assert.Equal(3 * Gib, (await _f.Create("larger", 3 * Gib, source: source)).SizeBytes);
        Assert.Contains(
            "(its source has 2147483648), above the limit of 1073741824",
            await Refused(VolumeError.OutOfRange, () => _f.Create("limited", Gib, Gib, source)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clone_of_nothing_is_not_found()
    {
        var source = await _f.Create("a");
        await _f.Delete(source);
        Assert.Contains(
            source.Id.ToString(), await Refused(VolumeError.NotFound, () => _f.Create("b", source: source)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clone_asked_for_again_after_its_source_has_gone_is_still_the_answer()
    {
        var source = await _f.Create("a");
        var snapshot = await _f.Snapshot("s", source);
        var clone = await _f.Create("b", source: snapshot);
        await _f.Delete(snapshot);
        Assert.Equal(clone.Id, (await _f.Create("b", source: snapshot)).Id);
    }

    [Fact]
    public async Task A_snapshot_twice_is_one_and_of_another_volume_an_error()
    {
        var a = await _f.Create("a");
        var b = await _f.Create("b");
        var first = await _f.Snapshot("s", a);
        AssertSame(first, await _f.Snapshot("s", a));
        Assert.Contains(
            $"not from volume '{b.Id}'", await Refused(VolumeError.Exists, () => _f.Snapshot("s", b)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_volume_and_a_snapshot_may_have_one_name()
    {
        var volume = await _f.Create("a");
        Assert.NotEqual(volume.Id, (await _f.Snapshot("a", volume)).Id);
    }

    [Fact]
    public async Task A_snapshot_of_a_snapshot_is_refused()
    {
        var snapshot = await _f.Snapshot("s", await _f.Create("a"));
        Assert.Contains(
            "the handle is of a snapshot", await Refused(VolumeError.NotFound, () => _f.Snapshot("t", snapshot)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Snapshots_outlive_their_volume()
    {
        var volume = await _f.Create("a");
        var snapshot = await _f.Snapshot("s", volume);
        await _f.Delete(volume);
        AssertSame(snapshot, (await _f.Find(VolumeKind.Snapshot, snapshot)).Usage.Volume);
        Assert.NotNull(await _f.Create("restored", source: snapshot));
    }

    [Fact]
    public async Task Deleting_what_is_not_there_succeeds()
    {
        var volume = await _f.Create("a");
        await _f.Delete(volume);
        await _f.Delete(volume);
        await _f.Volumes.DeleteAsync(VolumeKind.Volume, "no handle of ours", CancellationToken.None);
    }

    [Fact]
    public async Task Deleting_in_a_pool_that_is_not_open_here_is_refused_lest_the_volume_is_forgotten()
    {
        var elsewhere = new VolumeId(Guid.NewGuid(), 1).ToString();
        Assert.Contains(
            "is not open here",
            await Refused(VolumeError.PoolAbsent, () => _f.Volumes.DeleteAsync(VolumeKind.Volume, elsewhere, CancellationToken.None)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deleting_a_snapshot_as_a_volume_is_refused()
    {
        var snapshot = await _f.Snapshot("s", await _f.Create("a"));
        await Refused(
            VolumeError.InvalidArgument, () => _f.Volumes.DeleteAsync(VolumeKind.Volume, snapshot.Id.ToString(), CancellationToken.None));
        Assert.NotNull((await _f.Find(VolumeKind.Snapshot, snapshot)).Pool);
    }

    [Fact]
    public async Task A_volume_that_is_open_is_not_deleted()
    {
        var volume = await _f.Create("a");
        using (_f.Big.OpenDevice(volume.Id, readOnly: false))
            Assert.Equal(PoolError.Busy, (await Assert.ThrowsAsync<PoolException>(() => _f.Delete(volume))).Error);
        await _f.Delete(volume);
    }

    [Fact]
    public async Task A_volume_grows_and_never_shrinks()
    {
        var volume = await _f.Create("a", Gib);
        Assert.Equal(2 * Gib, (await _f.Expand(volume, (2 * Gib) - 5)).SizeBytes);
        Assert.Equal(2 * Gib, (await _f.Expand(volume, Gib)).SizeBytes);
        Assert.Contains(
            "volumes do not shrink", await Refused(VolumeError.OutOfRange, () => _f.Expand(volume, Gib, Gib)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("../../etc/passwd")]
    [InlineData("00000000000000000000000000000000-1")]
    public async Task A_handle_of_nothing_is_not_found(string handle) =>
        Assert.Contains(
            "does not exist",
            await Refused(VolumeError.NotFound, () => _f.Volumes.ExpandAsync(handle, Gib, 0, CancellationToken.None)),
            StringComparison.Ordinal);
}
