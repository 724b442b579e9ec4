using System.Diagnostics;
using CsiThin.Core.Tests.Support;
using CsiThin.Driver.Node;
using CsiThin.Driver.Tests.Kube;
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
        var time = new ManualTimeProvider();
        using var scripts = new ScriptedPrograms(time).With("mkfs.ext4", "sleep 600 & echo $! >$note; wait");
        var running = scripts.Programs.RunAsync("volume 'a'", Call("mkfs.ext4") with { Limit = TimeSpan.FromMilliseconds(300) });
        var child = 0;
        await Eventually.HoldsAsync(() => time.Waiting > 0 && (child = Noted(scripts)) > 0, "a program that hangs");
        Assert.True(IsAlive(child));
        time.FireAll();
        var failure = await Assert.ThrowsAsync<VolumeException>(() => running);
        Assert.Equal(VolumeError.TimedOut, failure.Error);
        Assert.Contains("did not end within 0.3 s; it was killed", failure.Message, StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => !IsAlive(child), "the child's end");
    }

    [Fact]
    public async Task What_leaves_a_daemon_behind_has_ended()
    {
        _scripts.With("mkfs.ext4", "sleep 600 & echo $! >$note; exit 0");
        await _scripts.Programs.RunAsync("volume 'a'", Call("mkfs.ext4")).WaitAsync(TimeSpan.FromMinutes(2));
        using var daemon = Process.GetProcessById(Noted(_scripts));
        Assert.False(daemon.HasExited);
        daemon.Kill();
    }

    [Fact]
    public async Task What_is_not_there_is_named_with_its_package()
    {
        Assert.Equal(
            "volume 'a': mkfs.btrfs is not there; install btrfs-progs on the node",
            await Refused(VolumeError.HostUnfit, Call("mkfs.btrfs")));
        Assert.False(_scripts.Programs.Has("mkfs.btrfs"));
    }

    /// <summary>The process id that a script wrote down, 0 before.</summary>
    private static int Noted(ScriptedPrograms scripts) =>
        File.Exists(scripts.Note) && int.TryParse(File.ReadAllText(scripts.Note), out var id) ? id : 0;

    /// <summary>False also for a process that has ended and that nobody has waited for.</summary>
    private static bool IsAlive(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/stat").Split(')')[^1].TrimStart()[0] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static ProgramCall Call(string name, params string[] arguments) => new(name, arguments, TimeSpan.FromMinutes(1));

    private async Task<string> Refused(VolumeError error, ProgramCall call)
    {
        var failure = await Assert.ThrowsAsync<VolumeException>(() => _scripts.Programs.RunAsync("volume 'a'", call));
        Assert.Equal(error, failure.Error);
        return failure.Message;
    }
}
