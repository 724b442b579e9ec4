using CsiThin.Core.Device;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Device;

/// <summary>
/// Every kind of queue, on a file on disk and one in memory, alone and behind slices, against a model: an array of bytes.
/// </summary>
public sealed class DiskQueueTests(ITestOutputHelper output)
{
    private const int DiskBytes = 4 << 20;
    private const int UnitBytes = 4096;
    private const int BaseBytes = 256 << 10;

    public static TheoryData<DiskQueueKind, bool, bool> Setups()
    {
        var setups = new TheoryData<DiskQueueKind, bool, bool>();
        foreach (var kind in Enum.GetValues<DiskQueueKind>())
        {
            foreach (var inMemory in new[] { false, true })
            {
                setups.Add(kind, inMemory, false);
                setups.Add(kind, inMemory, true);
            }
        }
        return setups;
    }

    [Theory]
    [MemberData(nameof(Setups))]
    public void A_queue_does_what_an_array_does(DiskQueueKind kind, bool inMemory, bool sliced)
    {
        var random = TestSeed.NewRandom(output);
        using var temp = new TempFile(inMemory);
        using var disk = FileDisk.Create(temp.Path, DiskBytes, new FileDiskOptions { QueueKind = kind });
        using var inner = new DiskSlice(disk, BaseBytes / 2, DiskBytes - BaseBytes);
        IDisk view = sliced ? new DiskSlice(inner, BaseBytes / 2, DiskBytes - (2 * BaseBytes)) : disk;
        var model = new byte[view.LengthBytes];
        using (var queue = view.OpenQueue())
        {
            var driver = new QueueDriver(queue, random, model, UnitBytes);
            for (var round = 0; round < 30; round++)
                driver.RunRound(random.Next(1, 40));
            Assert.Equal(0, queue.InFlight);
        }
        var content = new byte[model.Length];
        view.Read(0, content);
        Assert.Equal(model, content);
    }

    [Theory]
    [MemberData(nameof(Setups))]
    public void More_operations_than_a_ring_holds_all_finish(DiskQueueKind kind, bool inMemory, bool sliced)
    {
        const int count = 1000;
        using var temp = new TempFile(inMemory);
        using var disk = FileDisk.Create(temp.Path, DiskBytes, new FileDiskOptions { QueueKind = kind });
        using var slice = new DiskSlice(disk, BaseBytes, DiskBytes - BaseBytes);
        using var memory = new AlignedBuffer(UnitBytes);
        memory.Span.Fill(7);
        using var queue = (sliced ? (IDisk)slice : disk).OpenQueue();
        for (var i = 0; i < count; i++)
            queue.Write(i % 512 * UnitBytes, memory.Address, UnitBytes, (ulong)i);
        Assert.Equal(count, queue.InFlight);
        queue.Submit();

        var tags = new HashSet<ulong>();
        var completions = new DiskCompletion[17];
        while (queue.InFlight > 0)
        {
            var reaped = queue.Reap(completions, wait: true);
            Assert.InRange(reaped, 1, completions.Length);
            foreach (var completion in completions.AsSpan(0, reaped))
            {
                Assert.Equal(0, completion.Errno);
                Assert.True(tags.Add(completion.Tag));
            }
        }
        Assert.Equal(count, tags.Count);
        Assert.Equal(0, queue.Reap(completions, wait: true));
    }

    [Theory]
    [InlineData(DiskQueueKind.Ring)]
    [InlineData(DiskQueueKind.Threads)]
    public void The_descriptor_polls_readable_exactly_while_completions_wait(DiskQueueKind kind)
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, DiskBytes, new FileDiskOptions { QueueKind = kind });
        using var memory = new AlignedBuffer(UnitBytes);
        using var queue = disk.OpenQueue();
        var completions = new DiskCompletion[8];
        for (var round = 0; round < 100; round++)
        {
            Assert.False(Native.IsReadable(queue.WaitDescriptor, 0));
            queue.Write(0, memory.Address, UnitBytes, 1);
            queue.Read(UnitBytes, memory.Address, UnitBytes, 2);
            queue.Submit();
            for (var left = 2; left > 0; left -= queue.Reap(completions))
                Assert.True(Native.IsReadable(queue.WaitDescriptor, 30_000));
        }
        Assert.False(Native.IsReadable(queue.WaitDescriptor, 0));
    }

    [Theory]
    [InlineData(DiskQueueKind.InPlace)]
    [InlineData(DiskQueueKind.Ring)]
    [InlineData(DiskQueueKind.Threads)]
    public void A_disk_that_became_shorter_is_an_errno_of_the_operation(DiskQueueKind kind)
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, DiskBytes, new FileDiskOptions { QueueKind = kind });
        using var memory = new AlignedBuffer(UnitBytes);
        using var queue = disk.OpenQueue();
        queue.Read(DiskBytes - UnitBytes, memory.Address, UnitBytes, 1);
        Native.SetFileLength(temp.Path, DiskBytes / 2);
        queue.Read(0, memory.Address, UnitBytes, 2);
        queue.Submit();
        var errnoOf = new Dictionary<ulong, int>();
        var completions = new DiskCompletion[1];
        while (queue.Reap(completions, wait: true) > 0)
            errnoOf[completions[0].Tag] = completions[0].Errno;
        Assert.Equal(new Dictionary<ulong, int> { [1] = Errno.Io, [2] = 0 }, errnoOf);
    }

    [Theory]
    [InlineData(DiskQueueKind.InPlace)]
    [InlineData(DiskQueueKind.Ring)]
    [InlineData(DiskQueueKind.Threads)]
    public void A_write_to_a_read_only_disk_is_an_errno_of_the_operation(DiskQueueKind kind)
    {
        using var temp = new TempFile();
        FileDisk.Create(temp.Path, DiskBytes).Dispose();
        using var disk = FileDisk.Open(temp.Path, new FileDiskOptions { ReadOnly = true, QueueKind = kind });
        using var memory = new AlignedBuffer(UnitBytes);
        using var queue = disk.OpenQueue();
        queue.Write(0, memory.Address, UnitBytes, 1);
        queue.Submit();
        var completions = new DiskCompletion[1];
        Assert.Equal(1, queue.Reap(completions, wait: true));
        Assert.NotEqual(0, completions[0].Errno);
    }

    [Theory]
    [InlineData(DiskQueueKind.InPlace)]
    [InlineData(DiskQueueKind.Ring)]
    [InlineData(DiskQueueKind.Threads)]
    public void Misuse_is_refused_when_it_is_gathered(DiskQueueKind kind)
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, DiskBytes, new FileDiskOptions { QueueKind = kind });
        using var memory = new AlignedBuffer(UnitBytes);
        using var queue = disk.OpenQueue();
        var address = memory.Address;
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Read(DiskBytes, address, UnitBytes, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Read(-UnitBytes, address, UnitBytes, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Write(long.MaxValue - 4095, address, UnitBytes, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Write(0, address, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Write(0, address, -512, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Write(100, address, UnitBytes, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Write(0, address, 100, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Write(0, address + 1, UnitBytes, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Write(0, 0, UnitBytes, 1));
        Assert.Equal(0, queue.InFlight);
    }

    [Theory]
    [InlineData(DiskQueueKind.InPlace)]
    [InlineData(DiskQueueKind.Ring)]
    [InlineData(DiskQueueKind.Threads)]
    public void Disposing_waits_for_what_is_in_flight(DiskQueueKind kind)
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, DiskBytes, new FileDiskOptions { QueueKind = kind });
        for (var round = 0; round < 20; round++)
        {
            using var memory = new AlignedBuffer(DiskBytes);
            using var queue = disk.OpenQueue();
            for (var at = 0; at < DiskBytes; at += UnitBytes)
                queue.Read(at, memory.Address + at, UnitBytes, (ulong)at);
            queue.Submit();
        }
        disk.Read(0, new byte[UnitBytes]);
    }

    [Theory]
    [InlineData(DiskQueueKind.InPlace)]
    [InlineData(DiskQueueKind.Ring)]
    [InlineData(DiskQueueKind.Threads)]
    public void An_operation_allocates_nothing(DiskQueueKind kind)
    {
        using var temp = new TempFile();
        using var disk = FileDisk.Create(temp.Path, DiskBytes, new FileDiskOptions { QueueKind = kind });
        using var memory = new AlignedBuffer(UnitBytes);
        using var queue = disk.OpenQueue();
        var completions = new DiskCompletion[16];
        Rounds(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Rounds(100);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Rounds(int count)
        {
            for (var round = 0; round < count; round++)
            {
                for (var i = 0; i < completions.Length; i++)
                    queue.Read(i * UnitBytes, memory.Address, UnitBytes, (ulong)i);
                queue.Submit();
                while (queue.InFlight > 0)
                    _ = queue.Reap(completions, wait: true); // InFlight counts them
            }
        }
    }
}
