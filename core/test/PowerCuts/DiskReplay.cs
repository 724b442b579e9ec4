using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// Goes through a log and knows at each place what a power cut could leave there: what a barrier covered, and of the writes since any
/// subset, one of them torn between sectors. Of two writes to one sector either may be the one that is left, or neither.
/// </summary>
internal sealed class DiskReplay(MemoryDisk start)
{
    /// <summary>What a disk writes wholly or not at all.</summary>
    public const int SectorBytes = 512;

    private readonly MemoryDisk _durable = start.Copy();
    private readonly List<(int Index, DiskWrite Write)> _pending = [];

    /// <summary>Writes that a cut could lose.</summary>
    public int Pending => _pending.Count;

    public void Apply(int index, DiskEvent happened)
    {
        switch (happened)
        {
            case DiskWrite write:
                _pending.Add((index, write));
                break;
            case BarrierEnd barrier:
                foreach (var (_, write) in _pending.TakeWhile(p => p.Index < barrier.Begin))
                    _durable.Write(write.OffsetBytes, write.Bytes);
                _pending.RemoveAll(p => p.Index < barrier.Begin);
                break;
            case DiskGrowth growth:
                _durable.SetLength(growth.LengthBytes);
                break;
            default:
                break;
        }
    }

    /// <summary>One possible outcome of a power cut here.</summary>
    public MemoryDisk Cut(Random random)
    {
        var left = _durable.Copy();
        var isKept = Mood(random);
        // Every other cut tears the very write it interrupts.
        var torn = random.Next(2) == 0 ? _pending.Count - 1 : random.Next(Math.Max(1, _pending.Count));
        for (var i = 0; i < _pending.Count; i++)
        {
            var (_, write) = _pending[i];
            if (i == torn)
                Tear(left, write, random);
            else if (isKept(i))
                left.Write(write.OffsetBytes, write.Bytes);
        }
        return left;
    }

    /// <summary>Which writes get through: a share of them, all but one, or one alone.</summary>
    private Func<int, bool> Mood(Random random)
    {
        var one = random.Next(Math.Max(1, _pending.Count));
        var mood = random.Next(7);
        return mood switch
        {
            0 => i => i == one,
            1 => i => i != one,
            _ => _ => random.Next(100) < 25 * (mood - 2),
        };
    }

    /// <summary>The first sectors of a write, the last ones, or a mixture.</summary>
    private static void Tear(MemoryDisk disk, DiskWrite write, Random random)
    {
        var sectors = write.Bytes.Length / SectorBytes;
        var edge = random.Next(sectors + 1);
        var way = random.Next(3);
        for (var i = 0; i < sectors; i++)
        {
            if (way switch { 0 => i < edge, 1 => i >= edge, _ => random.Next(2) == 0 })
                disk.WriteSector(write.OffsetBytes + i * SectorBytes, write.Bytes.AsSpan(i * SectorBytes, SectorBytes));
        }
    }
}
