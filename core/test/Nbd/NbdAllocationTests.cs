using CsiThin.Core.Nbd;
using Xunit;

namespace CsiThin.Core.Tests.Nbd;

public sealed class NbdAllocationTests
{
    private const int Batches = 2000;
    private const int Depth = 16;

    /// <summary>
    /// Measured for the whole process, with a client that itself allocates nothing: whatever is allocated is the server's. The bound is for what the runtime does by
    /// itself now and then; one object per request would be 32 000 times 24 bytes.
    /// </summary>
    [Theory]
    [InlineData((ushort)NbdCommand.Read)]
    [InlineData((ushort)NbdCommand.Write)]
    [InlineData((ushort)NbdCommand.Flush)]
    public void Steady_traffic_allocates_nothing_per_request(ushort command)
    {
        using var nbd = new NbdFixture();
        using var client = nbd.Go();
        var length = command == (ushort)NbdCommand.Flush ? 0u : 4096u;
        var payload = new byte[command == (ushort)NbdCommand.Write ? 4096 : 0];
        var batch = Enumerable.Range(0, Depth)
            .SelectMany(i => client.Encode((NbdCommand)command, (ulong)i * 4096, length, 0, payload, out _)).ToArray();
        var replies = new byte[Depth * (command == (ushort)NbdCommand.Read ? 28 + 4096 : 16)];
        Run(client, batch, replies, 200);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        Run(client, batch, replies, Batches);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.InRange(allocated, 0, Batches * Depth * 24 / 4);
    }

    private static void Run(RawNbdClient client, byte[] batch, byte[] replies, int batches)
    {
        for (var i = 0; i < batches; i++)
        {
            client.Send(batch);
            for (var got = 0; got < replies.Length;)
                got += client.Socket.Receive(replies.AsSpan(got));
        }
    }
}
