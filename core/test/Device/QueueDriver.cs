using CsiThin.Core.Device;
using Xunit;

namespace CsiThin.Core.Tests.Device;

/// <summary>
/// Runs random rounds of operations on a queue beside a model. Within a round no two operations touch the same unit, because a queue
/// promises no order among what is in flight.
/// </summary>
internal sealed class QueueDriver(IDiskQueue queue, Random random, byte[] model, int unitBytes)
{
    private const int MaxUnits = 8;

    private readonly DiskCompletion[] _completions = new DiskCompletion[13];

    public void RunRound(int operationCount)
    {
        using var memory = new AlignedBuffer(operationCount * MaxUnits * unitBytes);
        var reads = new Dictionary<ulong, (int Offset, int Memory, int Length)>();
        var tags = new HashSet<ulong>();
        var touched = new HashSet<int>();
        for (var i = 0; i < operationCount; i++)
        {
            var tag = (ulong)random.NextInt64();
            Assert.True(tags.Add(tag));
            if (!TryTransfer(memory, i * MaxUnits * unitBytes, tag, touched, reads))
                tags.Remove(tag);
            if (random.Next(4) == 0)
                queue.Submit();
        }
        queue.Submit();
        while (tags.Count > 0)
            Reap(tags);
        foreach (var (offset, at, length) in reads.Values)
            Assert.True(memory.Span.Slice(at, length).SequenceEqual(model.AsSpan(offset, length)), $"{length} bytes at {offset} differ");
    }

    private bool TryTransfer(
        AlignedBuffer memory, int at, ulong tag, HashSet<int> touched, Dictionary<ulong, (int Offset, int Memory, int Length)> reads)
    {
        var units = random.Next(1, MaxUnits + 1);
        var first = random.Next((model.Length / unitBytes) - units + 1);
        if (Enumerable.Range(first, units).Any(touched.Contains))
            return false;
        touched.UnionWith(Enumerable.Range(first, units));
        var (offset, length) = (first * unitBytes, units * unitBytes);
        if (random.Next(2) == 0)
        {
            queue.Read(offset, memory.Address + at, length, tag);
            reads.Add(tag, (offset, at, length));
            return true;
        }
        random.NextBytes(memory.Span.Slice(at, length));
        memory.Span.Slice(at, length).CopyTo(model.AsSpan(offset));
        queue.Write(offset, memory.Address + at, length, tag);
        return true;
    }

    private void Reap(HashSet<ulong> tags)
    {
        var count = queue.Reap(_completions.AsSpan(0, random.Next(1, _completions.Length)), wait: random.Next(2) == 0);
        foreach (var completion in _completions.AsSpan(0, count))
        {
            Assert.Equal(0, completion.Errno);
            Assert.True(tags.Remove(completion.Tag), $"tag {completion.Tag} was not expected");
        }
    }
}
