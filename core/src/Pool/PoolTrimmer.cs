using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Tools;

namespace CsiThin.Core.Pool;

/// <summary>
/// Discards the free data space of a pool that may be in use. In turns: (1) on the worker, a range that is free now and was at the last
/// commit, and has no reader left, is looked for in a bounded part of the space map and withheld from allocation; (2) on the calling
/// thread, it is discarded while the worker goes on; (3) the worker's next turn lets it go. Only what no commit refers to is ever
/// discarded, so a power cut at any moment is harmless. One run at a time; used by one thread.
/// </summary>
internal sealed class PoolTrimmer(PoolState pool, PoolWorker worker, Guid uuid)
{
    /// <summary>The most that is discarded at once, and so the longest that an almost full pool waits for.</summary>
    public const long RangeBytesMax = 128 << 20;

    /// <summary>Data blocks looked at in one turn of the worker: a few bitmaps of 16320.</summary>
    private const ulong WindowBlocks = 4 * 16320;

    private int _isRunning;

    /// <summary>Runs through the whole data region and returns the bytes discarded.</summary>
    public long Run(ToolRun run, long rangeBytesMin)
    {
        if (Interlocked.Exchange(ref _isRunning, 1) != 0)
            throw new PoolException(PoolError.Busy, $"Pool {uuid:N} is being trimmed already.");
        try
        {
            return DiscardAll(run, rangeBytesMin);
        }
        finally
        {
            Volatile.Write(ref _isRunning, 0);
        }
    }

    private long DiscardAll(ToolRun run, long rangeBytesMin)
    {
        var discardedBytes = 0L;
        var at = new DataBlock(0);
        try
        {
            while (true)
            {
                run.Report("free data space", Math.Min(at.Value, pool.Metadata.DataBlocks), pool.Metadata.DataBlocks);
                var from = at;
                var (begin, end, isLast) = worker.Invoke(() => WithholdNext(from, rangeBytesMin), commits: false);
                at = end;
                if (begin.Value < end.Value)
                    discardedBytes += DiscardRange(begin, end);
                else if (isLast)
                    return discardedBytes;
            }
        }
        finally
        {
            ReleaseLast();
        }
    }

    /// <summary>The next range to discard, or an empty one at the place where the search goes on. On the worker.</summary>
    private (DataBlock Begin, DataBlock End, bool IsLast) WithholdNext(DataBlock from, long rangeBytesMin)
    {
        if (pool.Mode >= PoolMode.ReadOnly)
            throw PoolErrors.Degraded();
        var blocks = pool.Metadata.DataBlocks;
        var until = new DataBlock(Math.Min(blocks, from.Value + WindowBlocks));
        pool.LetGoWithheld();
        while (from.Value < until.Value)
        {
            var (begin, end) = pool.Metadata.FindFreeData(from, until, (ulong)Math.Max(1, RangeBytesMax / pool.DataBlockBytes));
            if ((long)(end.Value - begin.Value) * pool.DataBlockBytes >= rangeBytesMin && begin.Value < end.Value)
            {
                // Freed by the last commit, perhaps: whoever read it before that must be done.
                pool.Epochs.WaitForOld();
                pool.Metadata.WithholdFreeData(begin, end);
                pool.Withheld.Begin();
                return (begin, end, false);
            }
            from = end;
        }
        return (until, until, until.Value >= blocks);
    }

    private long DiscardRange(DataBlock begin, DataBlock end)
    {
        var lengthBytes = (long)(end.Value - begin.Value) * pool.DataBlockBytes;
        try
        {
            pool.Data.Discard((long)begin.Value * pool.DataBlockBytes, lengthBytes);
        }
        catch (DiskException e)
        {
            throw PoolErrors.Translate(e);
        }
        finally
        {
            pool.Withheld.End();
        }
        if (!pool.Data.CanDiscard)
            throw new PoolException(PoolError.Unsupported, string.Create(CultureInfo.InvariantCulture,
                $"The disk of pool {uuid:N} cannot discard: a discard of {lengthBytes} bytes was refused as not supported."));
        return lengthBytes;
    }

    private void ReleaseLast()
    {
        try
        {
            _ = worker.Invoke(
                () =>
                {
                    pool.LetGoWithheld();
                    return true;
                },
                commits: false);
        }
        catch (PoolException)
        {
            // Closing or degraded: nothing is allocated any more, and withholding is a matter of this memory alone.
        }
    }
}
