using System.Buffers.Binary;
using System.Security.Cryptography;
using CsiThin.Core.Device;
using CsiThin.Core.Nbd;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Nbd;

/// <summary>Every command, over a device that finishes in place and over one that finishes later in another order.</summary>
public sealed class NbdTransmissionTests
{
    private const uint Page = 4096;
    private const uint Chunk = MemoryBlockDevice.ChunkBytes;

    public static TheoryData<Finishing, bool> Ways => new()
    {
        { Finishing.InPlace, true }, { Finishing.InPlace, false }, { Finishing.Deferred, true }, { Finishing.Deferred, false },
    };

    public static TheoryData<Finishing> Finishings => [Finishing.InPlace, Finishing.Deferred];

    [Theory]
    [MemberData(nameof(Ways))]
    public void What_is_written_is_read(Finishing finishing, bool structured)
    {
        using var nbd = new NbdFixture(finishing);
        using var client = nbd.Go(structured: structured);
        (uint, uint)[] ranges = [(0, Page), (1, 1), (Chunk - 3, 7), (12345, 100_001), (0, NbdFixture.DiskBytes)];
        foreach (var (offset, length) in ranges)
        {
            var payload = RandomNumberGenerator.GetBytes((int)length);
            Assert.Equal(0u, client.Ask(NbdCommand.Write, offset, length, payload: payload).Error);
            var reply = client.Ask(NbdCommand.Read, offset, length, structured ? NbdCommandFlags.DoNotFragment : 0);
            Assert.Equal((0u, structured ? (ushort?)1 : null), (reply.Error, reply.Chunk));
            Assert.Equal(structured ? offset : 0, reply.DataOffset);
            Assert.True(payload.AsSpan().SequenceEqual(reply.Data), $"{length} bytes at {offset} came back changed");
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void The_largest_payload_goes_both_ways(Finishing finishing, bool structured)
    {
        using var large = new MemoryBlockDevice(33 << 20);
        large.Open();
        var deferring = new DeferringBlockDevice(large, seed: 1);
        using var nbd = new NbdFixture(finishing);
        nbd.Exports.With("large", large.LengthBytes, () => finishing == Finishing.InPlace ? large.Open() : deferring.Open());
        using var client = nbd.Go("large", structured);
        var payload = RandomNumberGenerator.GetBytes(32 << 20);
        Assert.Equal(0u, client.Ask(NbdCommand.Write, 512, 32 << 20, payload: payload).Error);
        Assert.True(payload.AsSpan().SequenceEqual(client.Ask(NbdCommand.Read, 512, 32 << 20).Data));
    }

    [Theory]
    [MemberData(nameof(Finishings))]
    public void Requests_sent_at_once_are_all_answered_whatever_their_order(Finishing finishing)
    {
        using var nbd = new NbdFixture(finishing);
        using var client = nbd.Go();
        var batch = new MemoryStream();
        var expected = new Dictionary<ulong, byte[]>();
        for (var i = 0u; i < 200; i++)
        {
            var payload = RandomNumberGenerator.GetBytes(4096);
            batch.Write(client.Encode(NbdCommand.Write, i * Page, Page, 0, payload, out var cookie));
            expected.Add(cookie, payload);
        }
        client.Send(batch.ToArray());
        var written = Enumerable.Range(0, 200).Select(_ => client.ReceiveReply()).ToList();
        Assert.All(written, reply => Assert.Equal(0u, reply.Error));
        Assert.Equal(expected.Keys.Order(), written.Select(reply => reply.Cookie).Order());
        if (finishing == Finishing.Deferred)
            Assert.NotEqual(expected.Keys.Order(), written.Select(reply => reply.Cookie));

        var contents = expected.OrderBy(pair => pair.Key).Select(pair => pair.Value).ToArray();
        var reads = Enumerable.Range(0, 200).ToDictionary(i => client.SendRequest(NbdCommand.Read, (ulong)i * Page, Page));
        for (var i = 0; i < 200; i++)
        {
            var reply = client.ReceiveReply();
            Assert.True(contents[reads[reply.Cookie]].AsSpan().SequenceEqual(reply.Data));
        }
    }

    [Theory]
    [MemberData(nameof(Finishings))]
    public void A_request_that_arrives_in_pieces_is_put_together(Finishing finishing)
    {
        using var nbd = new NbdFixture(finishing);
        using var client = nbd.Go();
        var payload = RandomNumberGenerator.GetBytes(10_000);
        var bytes = client.Encode(NbdCommand.Write, 77, 10_000, 0, payload, out _);
        foreach (var piece in new[] { 0..1, 1..27, 27..28, 28..29, 29..5000, 5000..10_027, 10_027..10_028 })
        {
            client.Send(bytes[piece]);
            Thread.Sleep(1);
        }
        Assert.Equal(0u, client.ReceiveReply().Error);
        Assert.Equal(payload, nbd.Disk.Peek(77, 10_000));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Trim_and_write_zeroes_empty_whole_chunks(Finishing finishing, bool structured)
    {
        using var nbd = new NbdFixture(finishing);
        using var client = nbd.Go(structured: structured);
        client.Ask(NbdCommand.Write, 0, 4 * Chunk, payload: RandomNumberGenerator.GetBytes(4 * (int)Chunk));
        Assert.Equal(0u, client.Ask(NbdCommand.Trim, Chunk / 2, Chunk + Chunk / 2).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.WriteZeroes, 2 * Chunk, Chunk).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.WriteZeroes, 3 * Chunk, Chunk, NbdCommandFlags.NoHole).Error);
        Assert.Equal([true, false, false, true], Enumerable.Range(0, 4).Select(i => nbd.Disk.IsAllocated(i * Chunk)));
        Assert.Equal(new byte[3 * Chunk], client.Ask(NbdCommand.Read, Chunk, 3 * Chunk).Data);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_fast_zero_that_would_not_be_fast_is_not_supported(Finishing finishing, bool structured)
    {
        using var nbd = new NbdFixture(finishing);
        using var client = nbd.Go(structured: structured);
        Assert.Equal((uint)NbdErrno.NotSupported, client.Ask(NbdCommand.WriteZeroes, 1, 100, NbdCommandFlags.FastZero).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.WriteZeroes, 0, Chunk, NbdCommandFlags.FastZero).Error);
    }

    [Theory]
    [MemberData(nameof(Finishings))]
    public void Flush_and_fua_reach_the_device(Finishing finishing)
    {
        using var nbd = new NbdFixture(finishing);
        using var client = nbd.Go();
        client.Ask(NbdCommand.Flush, 0, 0);
        client.Ask(NbdCommand.Write, 0, 1, NbdCommandFlags.ForceUnitAccess, [1]);
        client.Ask(NbdCommand.WriteZeroes, 0, Page, NbdCommandFlags.ForceUnitAccess);
        client.Ask(NbdCommand.Trim, 0, Page, NbdCommandFlags.ForceUnitAccess);
        // Allowed with everything, and of no effect where nothing is written.
        Assert.Equal(0u, client.Ask(NbdCommand.Read, 0, Page, NbdCommandFlags.ForceUnitAccess).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.Flush, 0, 0, NbdCommandFlags.ForceUnitAccess).Error);
        Assert.Equal((2, 3), (nbd.Disk.Flushes, nbd.Disk.DurableWrites));
    }

    [Fact]
    public void Cache_succeeds_and_changes_nothing()
    {
        using var nbd = new NbdFixture();
        using var client = nbd.Go();
        Assert.Equal(0u, client.Ask(NbdCommand.Cache, 0, NbdFixture.DiskBytes).Error);
        Assert.False(nbd.Disk.IsAllocated(0));
    }

    [Theory]
    [MemberData(nameof(Finishings))]
    public void Block_status_tells_holes_from_data(Finishing finishing)
    {
        using var nbd = new NbdFixture(finishing);
        using var client = nbd.Go(blockStatus: true);
        client.Ask(NbdCommand.Write, Chunk, 1, payload: [1]);
        client.Ask(NbdCommand.Write, 2 * Chunk, 1, payload: [1]);
        var all = client.Ask(NbdCommand.BlockStatus, 100, NbdFixture.DiskBytes - 100);
        Assert.Equal((ushort)NbdChunk.BlockStatus, all.Chunk);
        Assert.Equal(
            [(Chunk - 100, 3u), (2 * Chunk, 0u), (NbdFixture.DiskBytes - 3 * Chunk, 3u)], Extents(all));
        var one = client.Ask(NbdCommand.BlockStatus, 0, NbdFixture.DiskBytes, NbdCommandFlags.RequestOne);
        Assert.Equal([(Chunk, 3u)], Extents(one));
        var short_ = client.Ask(NbdCommand.BlockStatus, Chunk + 5, 10);
        Assert.Equal([(10u, 0u)], Extents(short_));
    }

    [Fact]
    public void Block_status_of_more_extents_than_fit_stops_early()
    {
        using var nbd = new NbdFixture();
        var disk = new MemoryBlockDevice(2000L * Chunk);
        nbd.Exports.With("striped", disk);
        using var client = nbd.Go("striped", blockStatus: true);
        for (var i = 0u; i < 2000; i += 2)
            client.Ask(NbdCommand.Write, (ulong)i * Chunk, 1, payload: [1]);
        var extents = Extents(client.Ask(NbdCommand.BlockStatus, 0, 2000 * Chunk));
        Assert.Equal(ReplyEncoder.MaxExtents, extents.Count);
        Assert.All(extents.Select((extent, i) => (extent, i)), e => Assert.Equal((Chunk, e.i % 2 == 0 ? 0u : 3u), e.extent));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Requests_of_zero_bytes_succeed_and_do_nothing(Finishing finishing, bool structured)
    {
        using var nbd = new NbdFixture(finishing);
        using var client = nbd.Go(structured: structured, blockStatus: structured);
        foreach (var command in new[] { NbdCommand.Read, NbdCommand.Write, NbdCommand.Trim, NbdCommand.WriteZeroes, NbdCommand.Cache })
            Assert.Equal((0u, 0), (client.Ask(command, NbdFixture.DiskBytes, 0) is var reply ? reply.Error : 0, 0));
        Assert.Equal((uint)NbdErrno.Invalid, client.Ask(NbdCommand.BlockStatus, 0, 0).Error);
    }

    [Theory]
    [MemberData(nameof(Finishings))]
    public void Connections_to_one_export_see_each_others_writes_and_flushes(Finishing finishing)
    {
        using var nbd = new NbdFixture(finishing);
        using var one = nbd.Go();
        using var two = nbd.Go();
        one.Ask(NbdCommand.Write, 1000, 5, payload: "hello"u8);
        Assert.Equal("hello"u8.ToArray(), two.Ask(NbdCommand.Read, 1000, 5).Data);
        two.Ask(NbdCommand.Flush, 0, 0);
        Assert.Equal(1, nbd.Disk.Flushes);
    }

    [Fact]
    public void A_device_that_has_grown_is_served_to_its_new_end()
    {
        using var nbd = new NbdFixture();
        var growing = new GrowingDevice(new MemoryBlockDevice(1 << 20));
        nbd.Exports.With("growing", 4096, () => growing);
        using var client = nbd.Go("growing");
        Assert.Equal((uint)NbdErrno.Invalid, client.Ask(NbdCommand.Read, 4096, 4096).Error);
        growing.LengthBytes = 8192;
        Assert.Equal(0u, client.Ask(NbdCommand.Read, 4096, 4096).Error);
    }

    private static List<(uint Length, uint Flags)> Extents(RawReply reply)
    {
        Assert.Equal(0u, reply.Error);
        Assert.Equal(NbdProtocol.AllocationContextId, BinaryPrimitives.ReadUInt32BigEndian(reply.Data));
        return [.. reply.Data.Skip(4).Chunk(8).Select(
            d => (BinaryPrimitives.ReadUInt32BigEndian(d), BinaryPrimitives.ReadUInt32BigEndian(d.AsSpan(4))))];
    }

    private sealed class GrowingDevice(MemoryBlockDevice inner) : IBlockDevice
    {
        private long _lengthBytes = 4096;

        public long LengthBytes
        {
            get => Interlocked.Read(ref _lengthBytes);
            set => Interlocked.Exchange(ref _lengthBytes, value);
        }

        public bool IsReadOnly => false;

        public int PreferredBytes => 4096;

        public IBlockQueue OpenQueue() => inner.OpenQueue();

        public void Dispose() => inner.Dispose();
    }
}
