using CsiThin.Core.Device;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Device;

/// <summary>A real block device of the kernel: reading, writing, growing, and above all not touching what others use.</summary>
public sealed class BlockDeviceTests
{
    private const int DiskBytes = 64 << 20;

    [Theory]
    [InlineData(DiskQueueKind.InPlace)]
    [InlineData(DiskQueueKind.Ring)]
    [InlineData(DiskQueueKind.Threads)]
    public void What_is_written_to_a_block_device_is_in_the_file_below(DiskQueueKind kind)
    {
        using var directory = new TempDirectory();
        var path = directory.SparseFile("disk", DiskBytes);
        using (var loop = new LoopDevice(path))
        using (var disk = FileDisk.Open(loop.Path, new FileDiskOptions { QueueKind = kind }))
        {
            Assert.True(disk.IsBlockDevice);
            Assert.Equal(DiskBytes, disk.LengthBytes);
            using var queue = disk.OpenQueue();
            using var memory = new AlignedBuffer(1 << 20);
            memory.Span.Fill(0x5A);
            queue.Write(8 << 20, memory.Address, memory.LengthBytes, 1);
            Assert.Equal(new DiskCompletion(1, 0), RunOne(queue));
            disk.Write(DiskBytes - 4096, memory.Span[..4096]);
            disk.Discard(8 << 20, 512 << 10);
            disk.Barrier();
        }
        var content = File.ReadAllBytes(path);
        Assert.Equal((8 << 20) + (512 << 10), content.AsSpan().IndexOf((byte)0x5A));
        Assert.Equal((512 << 10) + 4096, content.AsSpan().Count((byte)0x5A));
        Assert.Equal(0x5A, content[^1]);
    }

    [Fact]
    public void A_block_device_that_grew_shows_its_new_length_while_open()
    {
        using var directory = new TempDirectory();
        var path = directory.SparseFile("disk", DiskBytes);
        using var loop = new LoopDevice(path);
        using var disk = FileDisk.Open(loop.Path);
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write))
            file.SetLength(2 * DiskBytes);
        loop.Refresh();
        Assert.Equal(2 * DiskBytes, disk.LengthBytes);
        disk.Write((2 * DiskBytes) - 4096, new byte[4096]);
        Assert.Equal(Errno.Invalid, Assert.Throws<DiskException>(() => disk.Grow(4 * DiskBytes)).Errno);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_mounted_device_is_in_use_and_so_is_the_file_below(bool readOnly)
    {
        using var directory = new TempDirectory();
        var path = directory.SparseFile("disk", DiskBytes);
        using var loop = new LoopDevice(path);
        Tool.Run("mkfs.ext4", "-q", loop.Path);
        var mountPoint = Directory.CreateDirectory(directory.File("mount")).FullName;
        Tool.Run("mount", loop.Path, mountPoint);
        try
        {
            AssertInUse(loop.Path, readOnly, $"{loop.Path} is in use: mounted on {mountPoint}");
            AssertInUse(path, readOnly, $"{path} is in use: it backs the loop device {loop.Name}");
        }
        finally
        {
            Tool.Run("umount", mountPoint);
        }
    }

    [Fact]
    public void A_loop_device_on_a_block_device_makes_both_below_in_use()
    {
        using var directory = new TempDirectory();
        var path = directory.SparseFile("disk", DiskBytes);
        using var lower = new LoopDevice(path);
        using var upper = new LoopDevice(lower.Path);
        AssertInUse(lower.Path, readOnly: false, $"{lower.Path} is in use: it backs the loop device {upper.Name}");
        AssertInUse(path, readOnly: false, $"{path} is in use: it backs the loop device {lower.Name}");
        FileDisk.Open(upper.Path).Dispose();
    }

    [Fact]
    public void A_block_device_belongs_to_one_at_a_time()
    {
        using var directory = new TempDirectory();
        using var loop = new LoopDevice(directory.SparseFile("disk", DiskBytes));
        using (FileDisk.Open(loop.Path))
        {
            var comm = File.ReadAllText("/proc/self/comm").Trim();
            AssertInUse(loop.Path, readOnly: false, $"{loop.Path} is in use: open in process {Environment.ProcessId} ({comm})");
            Assert.NotEqual(0, Tool.TryRun("mkfs.ext4", "-q", "-F", loop.Path).ExitCode);
        }
        Tool.Run("mkfs.ext4", "-q", loop.Path);
    }

    private static void AssertInUse(string path, bool readOnly, string message)
    {
        var refusal = Assert.Throws<DiskException>(() => FileDisk.Open(path, new FileDiskOptions { ReadOnly = readOnly }));
        Assert.True(refusal.IsBusy, refusal.Message);
        Assert.Equal(message, refusal.Message);
    }

    private static DiskCompletion RunOne(IDiskQueue queue)
    {
        queue.Submit();
        var completions = new DiskCompletion[1];
        Assert.Equal(1, queue.Reap(completions, wait: true));
        return completions[0];
    }
}
