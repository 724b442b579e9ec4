using CsiThin.Core.Nbd;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Nbd;

/// <summary>
/// Random traffic of two connections, many requests in flight, against a byte array. Requests in flight at once never overlap (NBD
/// promises no order among them), so that each outcome is certain.
/// </summary>
public sealed class NbdModelTests(ITestOutputHelper output)
{
    private const int Rounds = 60;
    private const int MaxLengthBytes = 200_000;

    [Theory]
    [InlineData(Finishing.InPlace, true)]
    [InlineData(Finishing.InPlace, false)]
    [InlineData(Finishing.Deferred, true)]
    [InlineData(Finishing.Deferred, false)]
    public void Random_traffic_reads_what_a_byte_array_holds(Finishing finishing, bool structured)
    {
        var random = TestSeed.NewRandom(output);
        using var nbd = new NbdFixture(finishing, seed: random.Next());
        using var one = nbd.Go(structured: structured);
        using var two = nbd.Go(structured: structured);
        var model = new byte[NbdFixture.DiskBytes];
        for (var round = 0; round < Rounds; round++)
        {
            var expected = new Dictionary<(RawNbdClient, ulong), byte[]>();
            foreach (var (offset, length) in DisjointRanges(random))
            {
                var client = random.Next(2) == 0 ? one : two;
                expected.Add((client, SendRandom(random, client, model, offset, length)), model.AsSpan(offset, length).ToArray());
            }
            foreach (var client in expected.Keys.Select(key => key.Item1).ToList())
            {
                var reply = client.ReceiveReply();
                Assert.Equal(0u, reply.Error);
                if (reply.Data.Length > 0)
                    Assert.True(reply.Data.AsSpan().SequenceEqual(expected[(client, reply.Cookie)]), $"round {round}: a read differs");
                Assert.True(expected.Remove((client, reply.Cookie)));
            }
        }
        Assert.True(model.AsSpan().SequenceEqual(nbd.Disk.Peek(0, NbdFixture.DiskBytes)));
    }

    private static ulong SendRandom(Random random, RawNbdClient client, byte[] model, int offset, int length)
    {
        switch (random.Next(5))
        {
            case 0 or 1:
                var payload = new byte[length];
                random.NextBytes(payload);
                payload.CopyTo(model, offset);
                return client.SendRequest(NbdCommand.Write, (ulong)offset, (uint)length, (NbdCommandFlags)random.Next(2), payload);
            case 2:
                model.AsSpan(offset, length).Clear();
                return client.SendRequest(NbdCommand.WriteZeroes, (ulong)offset, (uint)length, (NbdCommandFlags)(random.Next(2) << 1));
            default:
                return client.SendRequest(NbdCommand.Read, (ulong)offset, (uint)length);
        }
    }

    private static IEnumerable<(int Offset, int Length)> DisjointRanges(Random random)
    {
        // Replies of a round must fit the socket while requests are still being sent: the client below sends everything before it reads.
        for (var at = random.Next(100_000); at < NbdFixture.DiskBytes;)
        {
            var length = Math.Min(1 + (int)(MaxLengthBytes * Math.Pow(random.NextDouble(), 6)), NbdFixture.DiskBytes - at);
            yield return (at, length);
            at += length + random.Next(200_000);
        }
    }
}
