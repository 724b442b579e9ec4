using CsiThin.Driver.Node;
using CsiThin.Driver.Tests.Control;
using CsiThin.Driver.Tests.Volumes;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CsiThin.Driver.Tests.Node;

/// <summary>The verbs as far as they go without a kernel that mounts; the rest is tested in the guest.</summary>
public sealed class VolumeNodeTests : IDisposable
{
    private static readonly VolumeAccess s_block = new() { IsBlock = true };
    private readonly string _directory = Directory.CreateTempSubdirectory("csithin-node-").FullName;
    private readonly ScriptedPrograms _scripts = new();
    private readonly FakeNodeEngine _engine = new();
    private readonly VolumeManagerFixture _volumes = new();
    private readonly VolumeNode _node;

    public VolumeNodeTests() => _node = new VolumeNode(
        _volumes.Volumes, _engine, new NodeOptions(_directory, Path.Combine(_directory, "state")), _scripts.Programs, TimeProvider.System,
        NullLoggerFactory.Instance);

    public void Dispose()
    {
        _scripts.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_second_call_for_a_volume_or_a_path_is_told_to_come_again()
    {
        var (first, second) = ((await _volumes.Create("a")).Id.ToString(), (await _volumes.Create("b")).Id.ToString());
        var gate = new TaskCompletionSource();
        _engine.Before = _ => gate.Task;
        var staging = Stage(first, "staging-a");
        await Refused(VolumeError.Aborted, () => Stage(first, "staging-a"));
        await Refused(VolumeError.Aborted, () => _node.UnstageAsync(first, PathOf("staging-x"), CancellationToken.None));
        await Refused(VolumeError.Aborted, () => Stage(second, "staging-a"));
        await Refused(VolumeError.Aborted, () => _node.UnpublishAsync(second, PathOf("staging-a"), CancellationToken.None));
        gate.SetResult();
        await staging;
        await Stage(first, "staging-a");
    }

    [Fact]
    public async Task A_caller_who_gives_up_does_not_stop_what_has_begun()
    {
        var id = (await _volumes.Create("a")).Id.ToString();
        var gate = new TaskCompletionSource();
        var seen = CancellationToken.None;
        _engine.Before = token =>
        {
            seen = token;
            return gate.Task;
        };
        using var caller = new CancellationTokenSource();
        var staging = _node.StageAsync(id, PathOf("staging"), s_block, caller.Token);
        await caller.CancelAsync();
        Assert.False(seen.IsCancellationRequested);
        gate.SetResult();
        await staging;
        Assert.Single(await _engine.ListDevicesAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_staging_path_belongs_to_one_volume_also_after_a_restart()
    {
        var (first, second) = ((await _volumes.Create("a")).Id.ToString(), (await _volumes.Create("b")).Id.ToString());
        await Stage(first, "staging");
        Assert.Contains(first, await Refused(VolumeError.Incompatible, () => Stage(second, "staging")), StringComparison.Ordinal);
        var again = new VolumeNode(
            _volumes.Volumes, _engine, new NodeOptions(_directory, Path.Combine(_directory, "state")), _scripts.Programs,
            TimeProvider.System, NullLoggerFactory.Instance);
        await Refused(
            VolumeError.Incompatible, () => again.StageAsync(second, PathOf("staging"), s_block, CancellationToken.None));
        for (var i = 0; i < 2; i++)
            await again.UnstageAsync(first, PathOf("staging"), CancellationToken.None);
        await again.StageAsync(second, PathOf("staging"), s_block, CancellationToken.None);
    }

    [Fact]
    public async Task Handles_of_nothing_here_are_not_found_to_stage_and_gone_already_to_take_back()
    {
        foreach (var handle in new[] { "x", $"{Guid.NewGuid():N}-1", (await _volumes.Create("a")).Id.ToString() + "9" })
        {
            await Refused(VolumeError.NotFound, () => Stage(handle, "staging"));
            await Refused(VolumeError.NotFound, () => _node.MeasureAsync(handle, PathOf("staging"), CancellationToken.None));
            await Refused(VolumeError.NotFound, () => _node.ExpandAsync(handle, PathOf("staging"), (0, 0), CancellationToken.None));
            await _node.UnstageAsync(handle, PathOf("staging"), CancellationToken.None);
            await _node.UnpublishAsync(handle, PathOf("target"), CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_snapshot_is_only_read()
    {
        var snapshot = await _volumes.Snapshot("s", await _volumes.Create("a"));
        Assert.Contains(
            "SINGLE_NODE_READER_ONLY",
            await Refused(VolumeError.Incompatible, () => Stage(snapshot.Id.ToString(), "staging")), StringComparison.Ordinal);
        await _node.StageAsync(
            snapshot.Id.ToString(), PathOf("staging"), s_block with { Mode = AccessMode.SingleReader }, CancellationToken.None);
        Assert.True(Assert.Single(await _engine.ListDevicesAsync(CancellationToken.None)).ReadOnly);
    }

    [Fact]
    public async Task A_mount_that_mount_only_claims_to_have_made_is_found_out()
    {
        var mounts = new Mounts(_scripts.With("mount", "exit 0").With("umount", "exit 0").Programs);
        var failure = await Refused(VolumeError.HostFailed, () => mounts.BindAsync("volume 'a'", "/x", PathOf("y"), readOnly: false));
        Assert.Contains("the kernel shows no such mount", failure, StringComparison.Ordinal);
        failure = await Refused(VolumeError.HostFailed, () => mounts.UnmountAsync("volume 'a'", "/proc"));
        Assert.Contains("/proc is still mounted, although umount said it is not", failure, StringComparison.Ordinal);
        _scripts.With("umount", "echo 'umount: /proc: target is busy.' >&2; exit 32");
        await Refused(VolumeError.Busy, () => mounts.UnmountAsync("volume 'a'", "/proc"));
        await mounts.UnmountAsync("volume 'a'", PathOf("not-mounted"));
    }

    [Theory]
    [InlineData("size", "many")]
    [InlineData("sise", "1Gi")]
    [InlineData("mkfsOptions", "-d /etc")]
    [InlineData("pool", "nowhere")]
    public async Task An_inline_volume_is_refused_what_a_pod_must_not_ask(string key, string value)
    {
        var context = new Dictionary<string, string> { ["csi.storage.k8s.io/ephemeral"] = "true", [key] = value };
        await Refused(
            VolumeError.InvalidArgument,
            () => _node.PublishEphemeralAsync(
                "csi-0815", PathOf("target"), new VolumeAccess(), readOnly: false, context, CancellationToken.None));
        Assert.Equal(0, _volumes.Fast.Creations + _volumes.Big.Creations);
    }

    [Fact]
    public async Task An_inline_volume_that_a_crash_left_is_deleted_when_it_is_unpublished()
    {
        await _volumes.Volumes.CreateAsync(
            new VolumeRequest { Name = "csi-0815", Parameters = new Dictionary<string, string> { [ParameterRules.Ephemeral] = "true" } },
            CancellationToken.None);
        await _volumes.Create("not-inline");
        for (var i = 0; i < 2; i++)
            await _node.UnpublishAsync("csi-0815", PathOf("target"), CancellationToken.None);
        await _node.UnpublishAsync("not-inline", PathOf("target"), CancellationToken.None);
        Assert.Equal("not-inline", Assert.Single(_volumes.Fast.ListVolumes().Concat(_volumes.Big.ListVolumes())).Name);
    }

    private string PathOf(string name) => Path.Combine(_directory, name);

    private Task Stage(string handle, string name) => _node.StageAsync(handle, PathOf(name), s_block, CancellationToken.None);

    private static Task<string> Refused(VolumeError error, Func<Task> verb) => VolumeManagerFixture.Refused(error, verb);
}
