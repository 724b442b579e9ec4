using CsiThin.Core.Device;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Device;

public sealed class DiskSliceTests
{
    private const int DiskBytes = 1 << 20;

    [Fact]
    public void A_slice_touches_nothing_outside_itself()
    {
        using var disk = new MemoryDisk(DiskBytes);
        using var slice = new DiskSlice(disk, 8192, 4096);
        var ones = new byte[4096];
        ones.AsSpan().Fill(1);
        slice.Write(0, ones);
        var content = new byte[DiskBytes];
        disk.Read(0, content);
        Assert.Equal(8192, content.AsSpan().IndexOf((byte)1));
        Assert.Equal(8192 + 4095, content.AsSpan().LastIndexOf((byte)1));
        Assert.Throws<ArgumentOutOfRangeException>(() => slice.Write(512, ones));
        Assert.Throws<ArgumentOutOfRangeException>(() => slice.Write(-512, ones));
        Assert.Throws<ArgumentOutOfRangeException>(() => slice.Discard(0, 8192));
    }

    [Fact]
    public void A_slice_must_lie_inside_its_parent()
    {
        using var disk = new MemoryDisk(DiskBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => new DiskSlice(disk, DiskBytes, 512));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DiskSlice(disk, -512, 512));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DiskSlice(disk, 100, 512));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DiskSlice(disk, 512, long.MaxValue - 511));
        using var slice = new DiskSlice(disk, 0, DiskBytes / 2);
        using var inner = new DiskSlice(slice, 0, DiskBytes / 2);
        Assert.Throws<ArgumentOutOfRangeException>(() => inner.Extend(DiskBytes));
        slice.Extend(DiskBytes);
        inner.Extend(DiskBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => inner.Extend(512));
        Assert.Equal(DiskBytes, inner.LengthBytes);
    }

    [Fact]
    public void The_queue_of_a_slice_goes_through_its_parents_own()
    {
        using var disk = new FaultDisk(new MemoryDisk(DiskBytes));
        using var outer = new DiskSlice(disk, 65536, 65536);
        using var slice = new DiskSlice(outer, 4096, 4096);
        using var memory = new AlignedBuffer(4096);
        using var queue = slice.OpenQueue();
        var seen = new List<DiskAccess>();
        disk.Fault = access =>
        {
            seen.Add(access);
            return access.Kind == DiskAccessKind.Read ? Errno.NoSpace : 0;
        };
        queue.Write(512, memory.Address, 1024, 5);
        queue.Read(2048, memory.Address, 512, 6);
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Write(4096, memory.Address, 512, 7));
        queue.Submit();
        var completions = new DiskCompletion[3];
        Assert.Equal(2, queue.Reap(completions, wait: true));
        Assert.Equal([new DiskCompletion(5, 0), new DiskCompletion(6, Errno.NoSpace)], completions[..2]);
        Assert.Equal(
            [(DiskAccessKind.Write, 65536L + 4096 + 512), (DiskAccessKind.Read, 65536L + 4096 + 2048)],
            seen.Select(a => (a.Kind, a.OffsetBytes)));
    }

    [Fact]
    public void A_slice_of_several_pieces_is_one_disk()
    {
        using var disk = new MemoryDisk(DiskBytes);
        using var slice = new DiskSlice(disk, 8192, 4096);
        using var queue = slice.OpenQueue();
        slice.Append(65536, 4096);
        slice.Append(32768, 512);
        slice.Extend(3 * 4096);
        Assert.Throws<ArgumentOutOfRangeException>(() => slice.Append(DiskBytes, 512));
        Assert.Equal([4096L, 8192L], Enumerable.Range(0, 24).Select(sector => sector * 512L).Where(slice.IsSeam));
        var bytes = new byte[3 * 4096];
        new Random(1).NextBytes(bytes);
        slice.Write(0, bytes);
        var seen = new byte[3 * 4096];
        slice.Read(0, seen);
        Assert.Equal(bytes, seen);
        foreach (var (at, start) in new[] { (0, 8192), (4096, 65536), (8192, 32768) })
        {
            disk.Read(start, seen.AsSpan(0, 4096));
            Assert.Equal(bytes.AsSpan(at, 4096), seen.AsSpan(0, 4096));
        }
        Transfer(slice, queue, bytes);
    }

    /// <summary>A queue that was opened before there were more pieces finds them, and refuses what crosses a seam.</summary>
    private static void Transfer(DiskSlice slice, IDiskQueue queue, byte[] bytes)
    {
        using var memory = new AlignedBuffer(4096);
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Read(4096 - 512, memory.Address, 1024, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Read(3 * 4096, memory.Address, 512, 1));
        queue.Read(8192 + 512, memory.Address, 1024, 2);
        queue.Submit();
        Assert.Equal(1, queue.Reap(new DiskCompletion[2], wait: true));
        Assert.Equal(bytes.AsSpan(8192 + 512, 1024), memory.Span[..1024]);
        memory.Span.Fill(7);
        queue.Write(4096, memory.Address, 4096, 3);
        queue.Submit();
        Assert.Equal(1, queue.Reap(new DiskCompletion[2], wait: true));
        slice.Read(0, bytes);
        Assert.Equal((4096, 8191), (bytes.AsSpan(4096).IndexOfAnyExcept((byte)0) + 4096, bytes.AsSpan(0, 8192).LastIndexOf((byte)7)));
        Assert.False(bytes.AsSpan(4096, 4096).ContainsAnyExcept((byte)7));
    }

    [Fact]
    public void Discards_go_to_every_piece()
    {
        using var disk = new FaultDisk(new MemoryDisk(DiskBytes));
        using var slice = new DiskSlice(disk, 8192, 4096);
        slice.Append(65536, 4096);
        var seen = new List<(long, long)>();
        disk.Fault = access =>
        {
            seen.Add((access.OffsetBytes, access.LengthBytes));
            return 0;
        };
        slice.Discard(512, 6144);
        Assert.Equal([(8192L + 512, 3584L), (65536L, 2560L)], seen);
    }

    [Fact]
    public void Disposing_a_slice_leaves_its_parent_open()
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, DiskBytes);
        new DiskSlice(disk, 0, 4096).Dispose();
        disk.Read(0, new byte[4096]);
    }
}
