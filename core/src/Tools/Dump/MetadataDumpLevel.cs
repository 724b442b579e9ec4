using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Dump;

/// <summary>Memory for the children of one node, read together.</summary>
internal sealed class DumpLevel(int capacity) : IDisposable
{
    private readonly AlignedBuffer _memory = new(capacity * BlockFormat.BlockBytes);
    private readonly int[] _order = new int[capacity];
    private readonly int[] _place = new int[capacity];
    private readonly ulong[] _sorted = new ulong[capacity];

    /// <summary>The block at a place of the list last read.</summary>
    public ReadOnlySpan<byte> Block(int index) => _memory.Span.Slice(_place[index] * BlockFormat.BlockBytes, BlockFormat.BlockBytes);

    /// <summary>Reads blocks, those that follow each other on the disk in one go, whatever the order of the list.</summary>
    /// <exception cref="DiskException">One of them cannot be read.</exception>
    public void Read(IDisk disk, ReadOnlySpan<ulong> numbers)
    {
        var count = numbers.Length;
        numbers.CopyTo(_sorted);
        for (var i = 0; i < count; i++)
            _order[i] = i;
        Array.Sort(_sorted, _order, 0, count);
        for (var begin = 0; begin < count;)
        {
            var end = begin + 1;
            while (end < count && _sorted[end] == _sorted[end - 1] + 1)
                end++;
            disk.Read((long)_sorted[begin] * BlockFormat.BlockBytes,
                _memory.Span[(begin * BlockFormat.BlockBytes)..(end * BlockFormat.BlockBytes)]);
            begin = end;
        }
        for (var place = 0; place < count; place++)
            _place[_order[place]] = place;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
