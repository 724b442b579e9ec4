using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>
/// Sees one block that was read, or why it could not be: then <paramref name="block"/> is empty. Called from several threads at once.
/// </summary>
internal delegate void BlockVisitor(ulong number, ReadOnlySpan<byte> block, DiskException? failure);

/// <summary>
/// Reads many metadata blocks the way disks like it: in the order of their numbers, neighbours by one read, several reads in flight. Small
/// gaps are read over, because a read costs more than a few blocks.
/// </summary>
internal static class BulkRead
{
    /// <summary>Blocks of one read at most: 1 MiB.</summary>
    public const int RunBlocks = 256;

    /// <summary>Reads in flight: enough for the depth a disk wants, few enough for a small machine.</summary>
    public const int Threads = 4;

    private const ulong MaxGapBlocks = 8;

    /// <summary>
    /// Shows every one of <paramref name="numbers"/>, which are sorted, distinct and within the disk, in any order. The first exception of
    /// a visitor ends it and is thrown.
    /// </summary>
    public static void Visit(IDisk disk, ReadOnlyMemory<ulong> numbers, BlockVisitor visitor)
    {
        var runs = Runs(numbers.Span);
        if (runs.Count <= 1)
        {
            foreach (var (begin, end) in runs)
                Read(disk, numbers.Span[begin..end], new byte[SpanBlocks(numbers.Span[begin..end]) * BlockFormat.BlockBytes], visitor);
            return;
        }
        ToolThreads.ForEach(runs.Count, Threads, () => new AlignedBuffer(RunBlocks * BlockFormat.BlockBytes), (index, buffer) =>
        {
            var (begin, end) = runs[index];
            Read(disk, numbers.Span[begin..end], buffer.Span, visitor);
        });
    }

    /// <summary>Reads sorted numbers that lie within one run, by one read where the disk lets us and block by block where not.</summary>
    public static void Read(IDisk disk, ReadOnlySpan<ulong> run, Span<byte> buffer, BlockVisitor visitor)
    {
        var window = buffer[..(SpanBlocks(run) * BlockFormat.BlockBytes)];
        try
        {
            disk.Read((long)run[0] * BlockFormat.BlockBytes, window);
        }
        catch (DiskException failure)
        {
            ReadSingly(disk, run, buffer[..BlockFormat.BlockBytes], visitor, failure);
            return;
        }
        foreach (var number in run)
            visitor(number, window.Slice((int)(number - run[0]) * BlockFormat.BlockBytes, BlockFormat.BlockBytes), null);
    }

    /// <summary>The length of the first run in sorted numbers, as an index.</summary>
    public static int RunLength(ReadOnlySpan<ulong> numbers)
    {
        var end = 1;
        while (end < numbers.Length && numbers[end] - numbers[end - 1] <= MaxGapBlocks && numbers[end] - numbers[0] < RunBlocks)
            end++;
        return end;
    }

    private static int SpanBlocks(ReadOnlySpan<ulong> run) => (int)(run[^1] - run[0]) + 1;

    private static List<(int Begin, int End)> Runs(ReadOnlySpan<ulong> numbers)
    {
        var runs = new List<(int, int)>();
        for (var begin = 0; begin < numbers.Length;)
        {
            var end = begin + RunLength(numbers[begin..]);
            runs.Add((begin, end));
            begin = end;
        }
        return runs;
    }

    /// <summary>One bad sector costs its own block, not those that were to be read with it.</summary>
    private static void ReadSingly(
        IDisk disk, ReadOnlySpan<ulong> run, Span<byte> buffer, BlockVisitor visitor, DiskException failure)
    {
        if (run.Length == 1)
        {
            visitor(run[0], default, failure);
            return;
        }
        foreach (var number in run)
        {
            DiskException? wrong = null;
            try
            {
                disk.Read((long)number * BlockFormat.BlockBytes, buffer);
            }
            catch (DiskException e)
            {
                wrong = e;
            }
            visitor(number, wrong == null ? buffer : default, wrong);
        }
    }
}
