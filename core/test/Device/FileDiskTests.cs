using CsiThin.Core.Device;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Device;

public sealed class FileDiskTests(ITestOutputHelper output)
{
    private const int DiskBytes = 1 << 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reads_and_writes_from_memory_at_any_address_do_what_an_array_does(bool inMemory)
    {
        var random = TestSeed.NewRandom(output);
        using var temp = new TempFile(inMemory);
        using var disk = FileDisk.Create(temp.Path, DiskBytes);
        var unit = disk.AlignmentBytes;
        var model = new byte[DiskBytes];
        var buffer = new byte[DiskBytes + 64];
        for (var round = 0; round < 200; round++)
        {
            var units = random.Next(0, random.Next(8) == 0 ? DiskBytes / unit + 1 : 20);
            var offset = random.Next((DiskBytes / unit) - units + 1) * unit;
            var span = buffer.AsSpan(random.Next(64), units * unit);
            if (random.Next(2) == 0)
            {
                random.NextBytes(span);
                disk.Write(offset, span);
                span.CopyTo(model.AsSpan(offset));
            }
            else
            {
                disk.Read(offset, span);
                Assert.True(span.SequenceEqual(model.AsSpan(offset, span.Length)));
            }
        }
        disk.Barrier();
        disk.Dispose();
        Assert.Equal(model, File.ReadAllBytes(temp.Path));
    }

    [Fact]
    public void A_new_file_is_sparse_private_and_zero()
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, 1L << 34);
        Assert.Equal(1L << 34, disk.LengthBytes);
        Assert.False(disk.IsBlockDevice);
        Assert.Contains(disk.AlignmentBytes, new[] { 512, 4096 });
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(temp.Path).UnixFileMode);
        var tail = new byte[4096];
        tail.AsSpan().Fill(1);
        disk.Read((1L << 34) - 4096, tail);
        Assert.Equal(new byte[4096], tail);
    }

    [Fact]
    public void A_path_that_is_taken_is_not_created_over()
    {
        using var temp = new TempFile();
        File.WriteAllText(temp.Path, "precious");
        var refusal = Assert.Throws<DiskException>(() => FileDisk.Create(temp.Path, DiskBytes));
        Assert.Equal(Errno.Exists, refusal.Errno);
        Assert.Equal("precious", File.ReadAllText(temp.Path));
    }

    [Fact]
    public void A_file_too_long_for_the_file_system_leaves_nothing_behind()
    {
        using var temp = new TempFile();
        _ = Assert.Throws<DiskException>(() => FileDisk.Create(temp.Path, long.MaxValue));
        Assert.False(File.Exists(temp.Path));
    }

    [Fact]
    public void Growth_shows_at_once_in_the_disk_in_its_queues_and_not_in_slices()
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, DiskBytes);
        using var slice = new DiskSlice(disk, 4096, DiskBytes - 4096);
        using var memory = new AlignedBuffer(4096);
        using var queue = disk.OpenQueue();
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => queue.Read(DiskBytes, memory.Address, 4096, 1));
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => slice.Extend(DiskBytes));
        disk.Grow(2 * DiskBytes);
        Assert.Equal(2 * DiskBytes, disk.LengthBytes);
        disk.Write(DiskBytes, new byte[4096]);
        queue.Read(DiskBytes, memory.Address, 4096, 1);
        queue.Submit();
        var completions = new DiskCompletion[1];
        Assert.Equal(1, queue.Reap(completions, wait: true));
        Assert.Equal(0, completions[0].Errno);
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => slice.Read(DiskBytes - 4096, new byte[4096]));
        slice.Extend(DiskBytes);
        slice.Read(DiskBytes - 4096, new byte[4096]);
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => disk.Grow(DiskBytes));
    }

    [Fact]
    public void A_discarded_range_takes_up_no_space_and_the_rest_stays()
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, DiskBytes);
        var bytes = new byte[DiskBytes];
        bytes.AsSpan().Fill(9);
        disk.Write(0, bytes);
        disk.Discard(65536, 65536);
        disk.Read(0, bytes);
        Assert.True(bytes.AsSpan(0, 65536).IndexOfAnyExcept((byte)9) < 0);
        Assert.True(bytes.AsSpan(65536, 65536).IndexOfAnyExcept((byte)0) < 0);
        Assert.True(bytes.AsSpan(131072).IndexOfAnyExcept((byte)9) < 0);
    }

    [Fact]
    public void A_range_that_is_no_whole_sectors_or_leaves_the_disk_is_refused()
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, DiskBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => disk.Read(1, new byte[4096]));
        Assert.Throws<ArgumentOutOfRangeException>(() => disk.Read(0, new byte[100]));
        Assert.Throws<ArgumentOutOfRangeException>(() => disk.Write(DiskBytes - 4096, new byte[8192]));
        Assert.Throws<ArgumentOutOfRangeException>(() => disk.Write(-4096, new byte[4096]));
        Assert.Throws<ArgumentOutOfRangeException>(() => disk.Discard(0, long.MinValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => disk.Discard(4096, long.MaxValue & ~4095L));
    }

    [Fact]
    public void An_error_names_operation_path_place_and_reason()
    {
        using var temp = new TempFile();
        var missing = Assert.Throws<DiskException>(() => FileDisk.Open(temp.Path));
        Assert.Equal($"open {temp.Path} failed: No such file or directory (errno 2)", missing.Message);

        using var disk = FileDisk.Create(temp.Path, DiskBytes);
        disk.Read(0, new byte[4096]);
        Native.SetFileLength(temp.Path, 0);
        var shorter = Assert.Throws<DiskException>(() => disk.Read(8192, new byte[4096]));
        Assert.Equal($"read of 4096 bytes at 8192 on {temp.Path} failed: the disk ends after 0 of them", shorter.Message);
    }

    [Theory]
    [InlineData("/dev/null")]
    [InlineData("/tmp")]
    public void What_is_neither_file_nor_block_device_is_refused(string path)
    {
        var refusal = Assert.Throws<DiskException>(() => FileDisk.Open(path));
        Assert.Contains("neither a regular file nor a block device", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_with_a_hidden_end_is_refused() =>
        Assert.Throws<ArgumentException>(() => FileDisk.Open("/dev/null\0/x"));

    [Fact]
    public void One_writer_excludes_everybody_and_readers_only_writers()
    {
        using var temp = new TempFile();
        var readOnly = new FileDiskOptions { ReadOnly = true };
        using (FileDisk.Create(temp.Path, DiskBytes))
        {
            var refusal = Assert.Throws<DiskException>(() => FileDisk.Open(temp.Path));
            Assert.True(refusal.IsBusy);
            Assert.Contains($"{temp.Path} is in use: open in process {Environment.ProcessId} (", refusal.Message, StringComparison.Ordinal);
            Assert.True(Assert.Throws<DiskException>(() => FileDisk.Open(temp.Path, readOnly)).IsBusy);
        }
        using (FileDisk.Open(temp.Path, readOnly))
        using (FileDisk.Open(temp.Path, readOnly))
            Assert.True(Assert.Throws<DiskException>(() => FileDisk.Open(temp.Path)).IsBusy);
        FileDisk.Open(temp.Path).Dispose();
    }

    [Fact]
    public void A_read_only_disk_reads_and_refuses_the_rest()
    {
        using var temp = new TempFile();
        FileDisk.Create(temp.Path, DiskBytes).Dispose();
        using var disk = FileDisk.Open(temp.Path, new FileDiskOptions { ReadOnly = true });
        disk.Read(0, new byte[4096]);
        Assert.Equal(Errno.ReadOnly, Assert.Throws<DiskException>(() => disk.Write(0, new byte[4096])).Errno);
        Assert.Equal(Errno.ReadOnly, Assert.Throws<DiskException>(() => disk.Discard(0, 4096)).Errno);
        Assert.Equal(Errno.ReadOnly, Assert.Throws<DiskException>(() => disk.Grow(2 * DiskBytes)).Errno);
    }

    [Fact]
    public void Threads_may_share_a_disk()
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, DiskBytes);
        Parallel.For(0, 16, worker =>
        {
            var region = worker * 65536L;
            var bytes = new byte[8193];
            for (var round = 0; round < 50; round++)
            {
                bytes.AsSpan(1).Fill((byte)(worker + round));
                disk.Write(region, bytes.AsSpan(1));
                bytes.AsSpan(1).Clear();
                disk.Read(region, bytes.AsSpan(1));
                Assert.True(bytes.AsSpan(1).IndexOfAnyExcept((byte)(worker + round)) < 0);
            }
        });
    }

    [Fact]
    public void Whoever_only_observes_a_disk_is_in_nobodys_way_and_sees_what_its_owner_writes()
    {
        using var temp = new TempFile();
        using var owner = FileDisk.Create(temp.Path, DiskBytes);
        using var observer = FileDisk.Open(temp.Path, new FileDiskOptions { ReadOnly = true, Observe = true });
        var written = new byte[4096];
        Array.Fill(written, (byte)7);
        owner.Write(8192, written);
        var read = new byte[4096];
        observer.Read(8192, read);
        Assert.Equal(written, read);
        Assert.Throws<DiskException>(() => observer.Write(0, written));
        Assert.Throws<ArgumentException>(() => FileDisk.Open(temp.Path, new FileDiskOptions { Observe = true }));
        owner.Dispose();
        using var next = FileDisk.Open(temp.Path); // the observer keeps nobody out
    }
}
