using CsiThin.Core.Nbd;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Nbd;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>A full pool as its clients see it: what waits, what goes on beside it, and how it ends.</summary>
public sealed class FullPoolOverNbdTests : IDisposable
{
    private const int Block = (int)TestPool.BlockBytes;
    private const uint NoSpace = 28;
    private readonly ManualTimeProvider _time = new();
    private readonly TempFile _socket = new();
    private readonly TestPool _pool;
    private readonly NbdServer _server;
    private readonly ulong _endBytes;

    public FullPoolOverNbdTests()
    {
        var disk = new MemoryDisk(24 << 20);
        PoolDisk.Format(disk, Block);
        _pool = new TestPool(disk) { Tweak = options => options with { NoSpaceTimeout = TimeSpan.FromSeconds(60), Time = _time } }.Open();
        var full = _pool.CreateVolume("full", 1 << 30);
        var other = _pool.CreateVolume("other", 1 << 30);
        var exports = new MemoryExports()
            .With("full", full.SizeBytes, () => _pool.Device(full))
            .With("other", other.SizeBytes, () => _pool.Device(other));
        _server = new NbdServer(_socket.Path, exports);
        _server.Start();
        using var client = Go("other");
        Assert.Equal(0u, client.Ask(NbdCommand.Write, 0, Block, payload: ThinPoolTests.Pattern(Block, 8)).Error);
        using var filler = Go("full");
        var blocks = (uint)(_pool.Pool.GetStatus().DataBlocksTotal - 1);
        _endBytes = (ulong)blocks * Block;
        Assert.Equal(0u, filler.Ask(NbdCommand.Write, 0, blocks * Block, payload: new byte[blocks * Block]).Error);
    }

    public void Dispose()
    {
        _server.Dispose();
        _pool.Dispose();
        _socket.Dispose();
    }

    [Fact]
    public void A_write_waits_for_its_time_and_fails_with_ENOSPC_on_the_wire()
    {
        using var client = Go("full");
        client.SendRequest(NbdCommand.Write, _endBytes, 4096, payload: new byte[4096]);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        _time.FireAll();
        Assert.Equal(NoSpace, client.ReceiveReply().Error);
        Assert.Equal(NoSpace, client.Ask(NbdCommand.Write, _endBytes, 4096, payload: new byte[4096]).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.Read, 0, 4096).Error);
    }

    [Fact]
    public void Other_requests_of_the_same_connection_and_of_others_are_answered_meanwhile()
    {
        using var client = Go("full");
        var waiting = client.SendRequest(NbdCommand.Write, _endBytes, 4096, payload: ThinPoolTests.Pattern(4096, 4));
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        Assert.Equal(0u, client.Ask(NbdCommand.Flush, 0, 0).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.Read, 0, 4096).Error);
        Assert.Equal(0u, client.Ask(NbdCommand.Write, 0, 4096, payload: new byte[4096]).Error);
        using var other = Go("other");
        Assert.Equal(ThinPoolTests.Pattern(Block, 8), other.Ask(NbdCommand.Read, 0, Block).Data);
        Assert.Equal(0u, other.Ask(NbdCommand.Flush, 0, 0).Error);
        // A trim frees a block: its reply and that of the write that gets it come in either order.
        client.SendRequest(NbdCommand.Trim, 0, Block);
        var replies = new[] { client.ReceiveReply(), client.ReceiveReply() };
        Assert.All(replies, reply => Assert.Equal(0u, reply.Error));
        Assert.Contains(replies, reply => reply.Cookie == waiting);
        Assert.Equal(ThinPoolTests.Pattern(4096, 4), client.Ask(NbdCommand.Read, _endBytes, 4096).Data);
    }

    [Fact]
    public void A_client_that_goes_away_leaves_nothing_waiting()
    {
        using (var client = Go("full"))
        {
            client.SendRequest(NbdCommand.Write, _endBytes, 4096, payload: new byte[4096]);
            WaitingWrite.UntilWaiting(_pool.Pool, 1);
        }
        WaitingWrite.UntilWaiting(_pool.Pool, 0);
        NbdFixture.Until(() => _server.ConnectionCount == 0, "the connection has ended");
        Assert.Equal(0, _time.Waiting);
    }

    [Fact]
    public void A_server_that_stops_drops_what_waits_without_an_answer()
    {
        using var client = Go("full");
        client.SendRequest(NbdCommand.Write, _endBytes, 4096, payload: new byte[4096]);
        WaitingWrite.UntilWaiting(_pool.Pool, 1);
        _server.Dispose();
        client.ExpectClosed();
    }

    private RawNbdClient Go(string export)
    {
        var client = new RawNbdClient(_socket.Path);
        client.Go(export);
        return client;
    }
}
