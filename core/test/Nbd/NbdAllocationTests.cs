using CsiThin.Core.Device;
using CsiThin.Core.Nbd;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Nbd;

[Collection(nameof(RunsAlone))]
public sealed class NbdAllocationTests
{
    private const int Batches = 2000;
    private const int Depth = 16;

    /// <summary>
    /// Measured on the connection's own thread, from inside its device: between the first and the last request of steady traffic it must
    /// have allocated less than a page, for what the runtime does by itself now and then. One object per request would be 32 000 times
    /// 24 bytes.
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

        long first = -1, last = 0;
        var thread = 0;
        nbd.Disk.Fault = _ =>
        {
            last = GC.GetAllocatedBytesForCurrentThread();
            first = first < 0 ? last : first;
            thread = Environment.CurrentManagedThreadId;
            return BlockError.None;
        };
        Run(client, batch, replies, Batches);
        Assert.NotEqual(Environment.CurrentManagedThreadId, thread);
        Assert.InRange(last - first, 0, 4096);
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
