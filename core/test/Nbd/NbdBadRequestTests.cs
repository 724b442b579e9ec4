using System.Net.Sockets;
using System.Security.Cryptography;
using CsiThin.Core.Device;
using CsiThin.Core.Nbd;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Nbd;

/// <summary>
/// Requests that no honest client sends, and clients that misbehave: each gets its error, loses nobody's data, and the server lives on.
/// </summary>
public sealed class NbdBadRequestTests
{
    private const uint Page = 4096;
    private const ulong End = NbdFixture.DiskBytes;

    public static TheoryData<ushort, ulong, uint, ushort, uint> Wrong => new()
    {
        // command, offset, length, flags -> errno
        { (ushort)NbdCommand.Read, End, 1, 0, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Read, End - 1, 2, 0, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Read, ulong.MaxValue, 1, 0, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Read, ulong.MaxValue, uint.MaxValue, 0, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Read, 0, uint.MaxValue, 0, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Trim, End - 1, 2, 0, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Trim, 0, uint.MaxValue, 0, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Trim, 1UL << 63, 1, 0, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Cache, End, 1, 0, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.WriteZeroes, End - 1, 2, 0, (uint)NbdErrno.NoSpace },
        { (ushort)NbdCommand.WriteZeroes, 0, uint.MaxValue, 0, (uint)NbdErrno.NoSpace },
        { (ushort)NbdCommand.BlockStatus, 0, Page, 0, (uint)NbdErrno.Invalid }, // no context was selected
        { (ushort)NbdCommand.Read, 0, Page, 1 << 1, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Read, 0, Page, 1 << 15, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Trim, 0, Page, 1 << 2, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.Flush, 0, 0, 1 << 4, (uint)NbdErrno.Invalid },
        { (ushort)NbdCommand.WriteZeroes, 0, Page, 1 << 5, (uint)NbdErrno.Invalid },
        { 8, 0, Page, 0, (uint)NbdErrno.Invalid },
        { ushort.MaxValue, 0, 0, 0, (uint)NbdErrno.Invalid },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_request_gets_its_error_and_the_connection_goes_on(
        ushort command, ulong offset, uint length, ushort flags, uint errno)
    {
        using var nbd = new NbdFixture();
        foreach (var structured in new[] { true, false })
        {
            using var client = nbd.Go(structured: structured);
            var reply = client.Ask((NbdCommand)command, offset, length, (NbdCommandFlags)flags);
            Assert.Equal((errno, structured ? (ushort?)NbdChunk.Error : null), (reply.Error, reply.Chunk));
            Assert.Equal(structured, reply.Data.Length > 0);
            Assert.Equal(0u, client.Ask(NbdCommand.Read, 0, Page).Error);
        }
    }

    [Theory]
    [InlineData(End, 1, 0, (uint)NbdErrno.NoSpace)]
    [InlineData(End - 1, 2, 0, (uint)NbdErrno.NoSpace)]
    [InlineData(ulong.MaxValue, 300_000, 0, (uint)NbdErrno.NoSpace)]
    [InlineData(0UL, 4096, 1 << 7, (uint)NbdErrno.Invalid)]
    public void The_payload_of_a_refused_write_is_not_taken_for_requests(ulong offset, uint length, ushort flags, uint errno)
    {
        using var nbd = new NbdFixture();
        using var client = nbd.Go();
        var payload = RandomNumberGenerator.GetBytes((int)length);
        Assert.Equal(errno, client.Ask(NbdCommand.Write, offset, length, (NbdCommandFlags)flags, payload).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.Write, 0, 1, payload: [7]).Error);
    }

    [Fact]
    public void Payloads_above_the_maximum_are_refused_both_ways_and_drained()
    {
        const uint tooLong = (32 << 20) + 1;
        using var huge = new MemoryBlockDevice(1L << 40);
        huge.Open();
        using var nbd = new NbdFixture();
        nbd.Exports.With("huge", huge);
        using var client = nbd.Go("huge");
        Assert.Equal((uint)NbdErrno.Invalid, client.Ask(NbdCommand.Read, 0, tooLong).Error);
        Assert.Equal((uint)NbdErrno.Invalid, client.Ask(NbdCommand.Read, 0, uint.MaxValue).Error);
        Assert.Equal((uint)NbdErrno.Overflow, client.Ask(NbdCommand.Read, 0, tooLong, NbdCommandFlags.DoNotFragment).Error);
        Assert.Equal((uint)NbdErrno.Invalid, client.Ask(NbdCommand.Write, 0, tooLong, payload: new byte[tooLong]).Error);
        // Without payload there is no such limit.
        Assert.Equal(0u, client.Ask(NbdCommand.Trim, 0, uint.MaxValue).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.WriteZeroes, 0, uint.MaxValue).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.Cache, 0, uint.MaxValue).Error);
        // 4 GiB announced and never sent: the connection waits, without memory, until the client goes.
        client.SendRequest(NbdCommand.Write, 0, uint.MaxValue, payload: new byte[100_000]);
    }

    [Theory]
    [InlineData((ushort)NbdCommand.Write)]
    [InlineData((ushort)NbdCommand.Trim)]
    [InlineData((ushort)NbdCommand.WriteZeroes)]
    public void A_read_only_export_refuses_writes_and_still_flushes(ushort command)
    {
        using var nbd = new NbdFixture();
        using var client = nbd.Go("snapshot");
        var payload = command == (ushort)NbdCommand.Write ? new byte[Page] : [];
        Assert.Equal((uint)NbdErrno.NotPermitted, client.Ask((NbdCommand)command, 0, Page, payload: payload).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.Flush, 0, 0).Error);
        Assert.Equal(new byte[Page], client.Ask(NbdCommand.Read, 0, Page).Data);
    }

    [Theory]
    [InlineData(Finishing.InPlace)]
    [InlineData(Finishing.Deferred)]
    public void A_failed_read_sends_an_error_and_never_the_buffers_old_bytes(Finishing finishing)
    {
        using var nbd = new NbdFixture(finishing);
        using var writer = nbd.Go();
        writer.Ask(NbdCommand.Write, 0, Page, payload: RandomNumberGenerator.GetBytes((int)Page));
        nbd.Disk.Fault = request => request.Operation == BlockOperation.Read ? BlockError.Io : BlockError.None;
        foreach (var structured in new[] { true, false })
        {
            using var client = nbd.Go(structured: structured);
            client.Ask(NbdCommand.Write, 0, Page, payload: RandomNumberGenerator.GetBytes((int)Page));
            var reply = client.Ask(NbdCommand.Read, 0, Page);
            Assert.Equal((uint)NbdErrno.Io, reply.Error);
            Assert.True(reply.Data.Length < 100);
            // A simple error reply is followed by nothing: the next reply starts right behind it.
            Assert.Equal(0u, client.Ask(NbdCommand.Flush, 0, 0).Error);
        }
        Assert.Contains(
            nbd.Messages, m => m.Level == NbdLogLevel.Error && m.Text.Contains("Read of 4096 bytes at 0", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData((byte)BlockError.NoSpace, (uint)NbdErrno.NoSpace)]
    [InlineData((byte)BlockError.ReadOnly, (uint)NbdErrno.NotPermitted)]
    [InlineData((byte)BlockError.OutOfRange, (uint)NbdErrno.NoSpace)]
    [InlineData((byte)BlockError.Invalid, (uint)NbdErrno.Invalid)]
    [InlineData((byte)BlockError.NotSupported, (uint)NbdErrno.NotSupported)]
    [InlineData((byte)BlockError.ShuttingDown, (uint)NbdErrno.Shutdown)]
    [InlineData((byte)BlockError.Io, (uint)NbdErrno.Io)]
    public void Every_error_of_the_device_has_one_errno(byte error, uint errno)
    {
        using var nbd = new NbdFixture();
        nbd.Disk.Fault = _ => (BlockError)error;
        using var client = nbd.Go();
        Assert.Equal(errno, client.Ask(NbdCommand.Write, 0, 1, payload: [1]).Error);
    }

    [Fact]
    public void A_wrong_magic_closes_the_connection_after_what_came_before_was_answered()
    {
        using var nbd = new NbdFixture(Finishing.Deferred);
        using var client = nbd.Go();
        client.Send([
            .. client.Encode(NbdCommand.Write, 0, 1, 0, [9], out var cookie),
            .. client.Encode(NbdCommand.Write, 0, 1, 0, [8], out _, magic: 0x25609514)]);
        Assert.Equal(cookie, client.ReceiveReply().Cookie);
        client.ExpectClosed();
        Assert.Equal([9], nbd.Disk.Peek(0, 1));
    }

    [Fact]
    public void Half_a_header_and_then_silence_holds_nobody_up()
    {
        using var nbd = new NbdFixture();
        using var silent = nbd.Go();
        silent.Send(silent.Encode(NbdCommand.Read, 0, Page, 0, [], out _).AsSpan(0, 13));
        using var other = nbd.Go();
        Assert.Equal(0u, other.Ask(NbdCommand.Read, 0, Page).Error);
    }

    [Fact]
    public void Disconnect_finishes_and_answers_what_is_in_flight()
    {
        using var nbd = new NbdFixture(Finishing.Deferred);
        using var client = nbd.Go();
        nbd.Deferring.Hold();
        var cookie = client.SendRequest(NbdCommand.Write, 0, 1, payload: [5]);
        client.SendRequest(NbdCommand.Disconnect, 0, 0);
        NbdFixture.Until(() => nbd.Deferring.Submitted == 1, "the write is in flight");
        nbd.Deferring.LetGo();
        Assert.Equal(cookie, client.ReceiveReply().Cookie);
        client.ExpectClosed();
    }

    [Fact]
    public void A_client_that_ends_its_side_still_gets_its_replies()
    {
        using var nbd = new NbdFixture(Finishing.Deferred);
        using var client = nbd.Go();
        client.SendRequest(NbdCommand.Write, 0, 1, payload: [5]);
        client.SendRequest(NbdCommand.Read, 0, 1);
        client.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal([0u, 0u], [client.ReceiveReply().Error, client.ReceiveReply().Error]);
        client.ExpectClosed();
    }

    [Fact]
    public void A_client_that_vanishes_with_64_requests_in_flight_leaves_nothing_behind()
    {
        using var nbd = new NbdFixture(Finishing.Deferred);
        nbd.Deferring.Hold();
        using (var client = nbd.Go())
        {
            for (var i = 0u; i < 32; i++)
            {
                client.SendRequest(NbdCommand.Write, i * Page, Page, payload: new byte[Page]);
                client.SendRequest(NbdCommand.Read, i * Page, Page);
            }
            // And half of a 65th.
            client.SendRequest(NbdCommand.Write, 0, Page, payload: new byte[100]);
            NbdFixture.Until(() => nbd.Deferring.Submitted == 64, "all are in flight");
        }
        Assert.Equal(1, nbd.Server.ConnectionCount);
        nbd.Deferring.LetGo();
        NbdFixture.Until(() => nbd.Server.ConnectionCount == 0, "the connection has ended");
        Assert.Equal((0, 0), (nbd.Disk.OpenHandles, nbd.Disk.OpenQueues));
        using var next = nbd.Go();
        Assert.Equal(0u, next.Ask(NbdCommand.Read, 0, Page).Error);
    }

    [Fact]
    public void A_client_that_never_takes_its_replies_is_held_back_and_loses_nothing()
    {
        const int requests = 2000;
        using var nbd = new NbdFixture(options: new NbdServerOptions { MaxRequests = 16 });
        using var client = nbd.Go();
        var sender = new Thread(() =>
        {
            for (var i = 0; i < requests; i++)
                client.SendRequest(NbdCommand.Read, 0, 65536);
        });
        sender.Start();
        // 2000 replies of 64 KiB are far more than socket buffers hold; nothing of them is taken until everything that fits has been sent.
        using (var other = nbd.Go())
            Assert.Equal(0u, other.Ask(NbdCommand.Read, 0, Page).Error);
        for (var i = 0; i < requests; i++)
            Assert.Equal(65536, client.ReceiveReply().Data.Length);
        sender.Join();
    }
}
