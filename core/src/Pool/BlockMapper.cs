using System.Diagnostics;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Pool;

/// <summary>A part of a request that is one piece on the disk, or one hole.</summary>
internal readonly record struct MappedRun(long DiskOffsetBytes, nint WithinBytes, int LengthBytes)
{
    public const long Hole = -1;

    public bool IsHole => DiskOffsetBytes == Hole;
}

/// <summary>
/// Turns a range of a volume into runs on the data region, without ever waiting for the disk. Belongs to one queue, and so to one thread;
/// its table grows to the longest request and is used again.
/// </summary>
internal sealed class BlockMapper(PoolState pool, VolumeState volume)
{
    private readonly int _sectorBytes = pool.Data.AlignmentBytes;
    private MappedRun[] _runs = new MappedRun[8];
    private int _count;

    /// <summary>The runs of the last successful <see cref="TryMap"/>, in order.</summary>
    public ReadOnlySpan<MappedRun> Runs => _runs.AsSpan(0, _count);

    /// <summary>
    /// False when the worker must serve it: not whole sectors, metadata not in memory, or for a write a hole or a shared block.
    /// </summary>
    public bool TryMap(long offsetBytes, long lengthBytes, bool forWrite)
    {
        Debug.Assert(lengthBytes is > 0 and <= int.MaxValue, "a transfer has a buffer");
        _count = 0;
        if (((offsetBytes | lengthBytes) & (_sectorBytes - 1)) != 0)
            return false;
        var (block, within) = Math.DivRem(offsetBytes, pool.DataBlockBytes);
        for (long done = 0; done < lengthBytes; block++, within = 0)
        {
            var part = (int)Math.Min(lengthBytes - done, pool.DataBlockBytes - within);
            var outcome = pool.Metadata.TryFind(volume.Device, new VirtualBlock((ulong)block), out var mapping);
            if (outcome == LookupOutcome.WouldBlock || (forWrite && (outcome == LookupOutcome.Hole || mapping.IsShared)))
                return false;
            Add(outcome == LookupOutcome.Hole
                ? MappedRun.Hole
                : (long)mapping.Block.Value * pool.DataBlockBytes + within, (nint)done, part);
            done += part;
        }
        return true;
    }

    private void Add(long diskOffsetBytes, nint withinBytes, int lengthBytes)
    {
        if (_count > 0)
        {
            ref var last = ref _runs[_count - 1];
            var follows = last.IsHole ? diskOffsetBytes == MappedRun.Hole
                : diskOffsetBytes == last.DiskOffsetBytes + last.LengthBytes && !pool.Data.IsSeam(diskOffsetBytes);
            if (follows)
            {
                last = last with { LengthBytes = last.LengthBytes + lengthBytes };
                return;
            }
        }
        if (_count == _runs.Length)
            Array.Resize(ref _runs, _count * 2);
        _runs[_count++] = new MappedRun(diskOffsetBytes, withinBytes, lengthBytes);
    }
}
