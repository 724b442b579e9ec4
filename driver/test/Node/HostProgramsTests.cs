using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Node;

/// <summary>Programs that fail, hang, flood or are not there.</summary>
public sealed class HostProgramsTests : IDisposable
{
    private readonly ScriptedPrograms _scripts = new();

    public void Dispose() => _scripts.Dispose();

    [Fact]
    public async Task Arguments_reach_the_program_as_they_are()
    {
        _scripts.With("mkfs.ext4", "");
        await _scripts.Programs.RunAsync("volume 'a'", Call("mkfs.ext4", "a b", "$HOME;", "*"));
        Assert.Equal(["mkfs.ext4 a b $HOME; *"], _scripts.Calls);
    }

    [Fact]
    public async Task A_failure_carries_code_and_last_words_but_no_argument()
    {
        _scripts.With("mount", "echo 'wrong fs type' >&2; echo 'bad superblock' >&2; exit 32");
        var failure = await Refused(VolumeError.HostFailed, Call("mount", "-o", "secret=xyzzy"));
        Assert.Equal("volume 'a': mount failed with exit code 32: wrong fs type | bad superblock", failure);
    }

    [Fact]
    public async Task A_code_that_is_good_enough_is_no_failure()
    {
        _scripts.With("e2fsck", "exit 1");
        await _scripts.Programs.RunAsync("volume 'a'", Call("e2fsck") with { LastGoodExitCode = 1 });
        _scripts.With("e2fsck", "exit 4");
        await Refused(VolumeError.HostFailed, Call("e2fsck") with { LastGoodExitCode = 1 });
    }

    [Fact]
    public async Task What_floods_is_cut_and_stripped_of_control_characters()
    {
        _scripts.With(
            "mkfs.xfs",
            "i=0; while [ $i -lt 20000 ]; do echo 'block done' >&2; i=$((i+1)); done; printf 'no\\033 space\\n' >&2; exit 1");
        var failure = await Refused(VolumeError.HostFailed, Call("mkfs.xfs"));
        Assert.EndsWith("no? space", failure, StringComparison.Ordinal);
        Assert.True(failure.Length < 1500, $"{failure.Length} characters");
    }

    [Fact]
    public async Task What_hangs_is_killed_with_its_children()
    {
        var mark = Path.Combine(Path.GetTempPath(), $"csithin-{Guid.NewGuid():N}");
        _scripts.With("mkfs.ext4", $"(sleep 3; touch {mark}) & wait");
        var failure = await Refused(VolumeError.TimedOut, Call("mkfs.ext4") with { Limit = TimeSpan.FromMilliseconds(300) });
        Assert.Contains("did not end within 0.3 s; it was killed", failure, StringComparison.Ordinal);
        await Task.Delay(TimeSpan.FromSeconds(4));
        Assert.False(File.Exists(mark), "the child has lived on");
    }

    [Fact]
    public async Task What_leaves_a_daemon_behind_has_ended()
    {
        _scripts.With("mkfs.ext4", "sleep 8 & exit 0");
        var begin = TimeProvider.System.GetTimestamp();
        await _scripts.Programs.RunAsync("volume 'a'", Call("mkfs.ext4"));
        Assert.True(TimeProvider.System.GetElapsedTime(begin) < TimeSpan.FromSeconds(7));
    }

    [Fact]
    public async Task What_is_not_there_is_named_with_its_package()
    {
        Assert.Equal(
            "volume 'a': mkfs.btrfs is not there; install btrfs-progs on the node",
            await Refused(VolumeError.HostUnfit, Call("mkfs.btrfs")));
        Assert.False(_scripts.Programs.Has("mkfs.btrfs"));
    }

    private static ProgramCall Call(string name, params string[] arguments) => new(name, arguments, TimeSpan.FromMinutes(1));

    private async Task<string> Refused(VolumeError error, ProgramCall call)
    {
        var failure = await Assert.ThrowsAsync<VolumeException>(() => _scripts.Programs.RunAsync("volume 'a'", call));
        Assert.Equal(error, failure.Error);
        return failure.Message;
    }
}
