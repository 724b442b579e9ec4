using CsiThin.Core.Pool;
using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Xunit;
using static CsiThin.Driver.Tests.Node.FormatterFixture;

namespace CsiThin.Driver.Tests.Node;

/// <summary>The format decision: every combination that may lead to mkfs, and those that must not.</summary>
public sealed class VolumeFormatterTests : IDisposable
{
    private readonly FormatterFixture _f = new();

    public void Dispose() => _f.Dispose();

    [Fact]
    public async Task What_the_engine_knows_to_be_unwritten_is_formatted_as_asked()
    {
        Assert.Equal("ext4", await _f.Prepare(mkfsOptions: "-i 65536  -O ^has_journal"));
        Assert.Equal(
            $"mkfs.ext4 -F -q -b 4096 -m 0 -E nodiscard,assume_storage_prezeroed=1 -i 65536 -O ^has_journal {_f.DevicePath}",
            Assert.Single(_f.Scripts.Calls));
        Assert.True(_f.State.Of(Id).IsEmpty);
    }

    [Fact]
    public async Task What_is_blank_is_formatted_but_not_taken_for_zero_throughout()
    {
        _f.Engine.Content = VolumeContent.Blank;
        Assert.Equal("xfs", await _f.Prepare("xfs"));
        Assert.Equal($"mkfs.xfs -q -K -s size=4096 -f {_f.DevicePath}", Assert.Single(_f.Scripts.Calls));
    }

    [Fact]
    public async Task What_holds_the_file_system_asked_for_is_taken_as_it_is()
    {
        _f.Engine.Content = VolumeContent.HoldsData;
        _f.Write(XfsHead());
        Assert.Equal("xfs", await _f.Prepare("xfs"));
        Assert.Equal("xfs", await _f.Prepare());
        Assert.Empty(_f.Scripts.Calls);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_holds_another_file_system_is_refused_naming_both(bool begun)
    {
        _f.Engine.Content = VolumeContent.HoldsData;
        _f.Write(XfsHead());
        if (begun)
            _f.State.Change(Id, record => record with { FormatBegun = "ext4" });
        _f.Scripts.With("xfs_repair", "exit 0");
        Assert.Equal(
            "volume 'web' holds an XFS file system, not ext4; what is there is never overwritten",
            await Refused(VolumeError.Incompatible, () => _f.Prepare("ext4")));
        Assert.DoesNotContain(_f.Scripts.Calls, call => call.StartsWith("mkfs", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_partition_table_is_refused_even_after_an_interrupted_mkfs()
    {
        _f.Engine.Content = VolumeContent.HoldsData;
        _f.State.Change(Id, record => record with { FormatBegun = "ext4" });
        var table = new byte[4096];
        "EFI PART"u8.CopyTo(table.AsSpan(512));
        _f.Write(table);
        Assert.Contains("partition table", await Refused(VolumeError.Incompatible, () => _f.Prepare()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_that_nobody_knows_is_never_formatted_and_the_message_says_what_to_do()
    {
        _f.Engine.Content = VolumeContent.HoldsData;
        _f.Write("some database without a magic"u8);
        var message = await Refused(VolumeError.Incompatible, () => _f.Prepare("ext4"));
        Assert.Contains("delete the volume and make it anew", message, StringComparison.Ordinal);
        // Zeroes at both ends make no difference: what the engine says counts.
        _f.Write(new byte[64]);
        await Refused(VolumeError.Incompatible, () => _f.Prepare("ext4"));
        Assert.Empty(_f.Scripts.Calls);
    }

    [Fact]
    public async Task A_read_error_is_no_emptiness()
    {
        _f.Engine.NextFailure = new PoolException(PoolError.Io, "cannot read");
        await Assert.ThrowsAsync<PoolException>(() => _f.Prepare());
        _f.Engine.Content = VolumeContent.HoldsData;
        File.Delete(_f.DevicePath);
        await Refused(VolumeError.Unavailable, () => _f.Prepare());
        Assert.Empty(_f.Scripts.Calls);
    }

    [Fact]
    public async Task An_interrupted_mkfs_is_done_again_after_a_restart()
    {
        _f.Scripts.With("mkfs.xfs", "printf half | dd of=$last bs=1 seek=9000 conv=notrunc status=none; echo 'No space' >&2; exit 1");
        Assert.Contains("No space", await Refused(VolumeError.HostFailed, () => _f.Prepare("xfs")), StringComparison.Ordinal);
        _f.Engine.Content = VolumeContent.HoldsData;
        _f.Restart();
        await Refused(VolumeError.HostFailed, () => _f.Prepare("xfs"));
        Assert.EndsWith($"-s size=4096 -f {_f.DevicePath}", _f.Scripts.Calls[1], StringComparison.Ordinal);
        _f.Scripts.With("mkfs.xfs", "printf 'XFSB\\0\\0\\020\\0' | dd of=$last conv=notrunc status=none");
        Assert.Equal("xfs", await _f.Prepare("xfs"));
        Assert.Null(_f.State.Of(Id).FormatBegun);
        _f.Write("lost"u8);
        await Refused(VolumeError.Incompatible, () => _f.Prepare("xfs"));
    }

    [Fact]
    public async Task A_superblock_that_an_interrupted_mkfs_left_is_made_anew_only_if_it_was_never_mounted()
    {
        _f.Engine.Content = VolumeContent.HoldsData;
        _f.State.Change(Id, record => record with { FormatBegun = "ext4" });
        _f.Write(Ext4Head(mountTime: 1));
        _f.Scripts.With("e2fsck", "echo 'Inode 12 is odd' >&2; exit 4");
        Assert.Contains("mkfs was interrupted", await Refused(VolumeError.HostFailed, () => _f.Prepare()), StringComparison.Ordinal);
        Assert.NotNull(_f.State.Of(Id).FormatBegun);
        _f.Scripts.With("e2fsck", "exit 0");
        Assert.Equal("ext4", await _f.Prepare());
        Assert.DoesNotContain(_f.Scripts.Calls, call => call.StartsWith("mkfs", StringComparison.Ordinal));

        _f.State.Change(Id, record => record with { FormatBegun = "ext4" });
        _f.Write(Ext4Head());
        Assert.Equal("ext4", await _f.Prepare());
        Assert.Contains(_f.Scripts.Calls, call => call.StartsWith("mkfs.ext4 -F -q -b 4096 -m 0 -E nodiscard ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_mkfs_that_makes_nothing_is_found_out()
    {
        _f.Scripts.With("mkfs.ext4", "exit 0");
        Assert.Contains("the device shows nothing", await Refused(VolumeError.HostFailed, () => _f.Prepare()), StringComparison.Ordinal);
        Assert.Equal("ext4", _f.State.Of(Id).FormatBegun);
    }

    [Theory]
    [InlineData(VolumeKind.Volume)]
    [InlineData(VolumeKind.Snapshot)]
    public async Task Nothing_is_formatted_to_be_read(VolumeKind kind)
    {
        await Refused(VolumeError.Incompatible, () => _f.Prepare(readOnly: true, kind: kind));
        _f.Engine.Content = VolumeContent.HoldsData;
        _f.State.Change(Id, record => record with { FormatBegun = "ext4" });
        await Refused(VolumeError.Incompatible, () => _f.Prepare(readOnly: true, kind: kind));
        Assert.Empty(_f.Scripts.Calls);
    }

    [Fact]
    public async Task A_check_runs_when_ext4_asks_for_it_and_never_on_a_snapshot()
    {
        _f.Engine.Content = VolumeContent.HoldsData;
        _f.Scripts.With("e2fsck", "exit 1");
        _f.Write(Ext4Head(state: 3, mountTime: 1));
        await _f.Prepare(kind: VolumeKind.Snapshot, readOnly: true);
        Assert.Empty(_f.Scripts.Calls);
        Assert.Equal("ext4", await _f.Prepare());
        Assert.Equal($"e2fsck -p {_f.DevicePath}", Assert.Single(_f.Scripts.Calls));
        _f.Scripts.With("e2fsck", "echo 'UNEXPECTED INCONSISTENCY' >&2; exit 4");
        Assert.Contains(
            "UNEXPECTED INCONSISTENCY", await Refused(VolumeError.HostFailed, () => _f.Prepare()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sizes_are_read_from_the_superblocks()
    {
        Assert.Equal(4 << 20, new Ext4().SizeBytes(Ext4Head()));
        Assert.Equal(4 << 20, new Xfs().SizeBytes(XfsHead()));
        _f.Engine.Content = VolumeContent.HoldsData;
        _f.State.Change(Id, record => record with { FormatBegun = "xfs" });
        _f.Write(XfsHead(inProgress: 1));
        Assert.Equal("xfs", await _f.Prepare("xfs"));
        Assert.Single(_f.Scripts.Calls);
    }
}
