using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>
/// Blocks in an order of the caller's, read ahead: while one chunk is looked at, others are read by threads, each chunk in the order of its
/// numbers on the disk. Used by one thread; disposing stops the others.
/// </summary>
internal sealed class OrderedBlocks : IDisposable
{
    private readonly IDisk _disk;
    private readonly int _count;
    private readonly Func<int, ulong> _numberOf;
    private readonly Lane[] _lanes;
    private readonly Chunk _single = new(1);
    private Chunk _current;
    private int _chunk = -1;
    private int _index;
    private volatile bool _isOver;

    /// <summary>
    /// Begins to read <paramref name="count"/> blocks; <paramref name="numberOf"/> is asked from several threads and always says the same.
    /// </summary>
    public OrderedBlocks(IDisk disk, int count, Func<int, ulong> numberOf)
    {
        _disk = disk;
        (_count, _numberOf) = (count, numberOf);
        _current = _single;
        // A few blocks are not worth a thread.
        var lanes = Chunks <= 1 ? 0 : Math.Min(BulkRead.Threads, Chunks);
        _lanes = new Lane[lanes];
        for (var i = 0; i < lanes; i++)
            _lanes[i] = new Lane(this, i);
    }

    private int Chunks => (_count + BulkRead.RunBlocks - 1) / BulkRead.RunBlocks;

    /// <summary>
    /// The next block, good until the next call; false at the end. A block that could not be read is empty and
    /// <paramref name="failure"/> says why.
    /// </summary>
    public bool TryNext(out int index, out ReadOnlySpan<byte> block, out DiskException? failure)
    {
        index = _index;
        block = default;
        failure = null;
        if (_index == _count)
            return false;
        if (_index / BulkRead.RunBlocks != _chunk)
            Advance();
        var slot = _index % BulkRead.RunBlocks;
        failure = _current.Failures?.GetValueOrDefault(slot);
        if (failure == null)
            block = _current.Block(slot);
        _index++;
        return true;
    }

    public void Dispose()
    {
        _isOver = true;
        foreach (var lane in _lanes)
            lane.Dispose();
        _single.Dispose();
    }

    private void Advance()
    {
        if (_chunk >= 0 && _lanes.Length > 0)
            _lanes[_chunk % _lanes.Length].Release();
        _chunk++;
        if (_lanes.Length > 0)
            _current = _lanes[_chunk % _lanes.Length].Take();
        else
            Load(0, _current = new Chunk(_count));
    }

    private void Load(int chunk, Chunk into)
    {
        var begin = chunk * BulkRead.RunBlocks;
        var count = Math.Min(BulkRead.RunBlocks, _count - begin);
        Span<ulong> numbers = stackalloc ulong[count];
        Span<int> slots = stackalloc int[count];
        for (var i = 0; i < count; i++)
            (numbers[i], slots[i]) = (_numberOf(begin + i), i);
        numbers.Sort(slots);
        into.Failures = null;
        for (var at = 0; at < count;)
        {
            var length = BulkRead.RunLength(numbers[at..]);
            LoadRun(numbers.Slice(at, length), slots.Slice(at, length), into);
            at += length;
        }
    }

    private void LoadRun(ReadOnlySpan<ulong> numbers, ReadOnlySpan<int> slots, Chunk into)
    {
        try
        {
            if (numbers.Length == 1)
            {
                _disk.Read((long)numbers[0] * BlockFormat.BlockBytes, into.Block(slots[0]));
                return;
            }
            var scratch = into.Scratch((int)(numbers[^1] - numbers[0] + 1));
            _disk.Read((long)numbers[0] * BlockFormat.BlockBytes, scratch);
            for (var i = 0; i < numbers.Length; i++)
                scratch.Slice((int)(numbers[i] - numbers[0]) * BlockFormat.BlockBytes, BlockFormat.BlockBytes)
                    .CopyTo(into.Block(slots[i]));
        }
        catch (DiskException failure) when (numbers.Length == 1)
        {
            (into.Failures ??= [])[slots[0]] = failure;
        }
        catch (DiskException)
        {
            for (var i = 0; i < numbers.Length; i++)
                LoadRun(numbers.Slice(i, 1), slots.Slice(i, 1), into);
        }
    }

    /// <summary>Blocks in the caller's order, and room to read a run into before they are put there.</summary>
    private sealed class Chunk(int blocks) : IDisposable
    {
        private readonly AlignedBuffer _blocks = new(blocks * BlockFormat.BlockBytes);
        private AlignedBuffer? _scratch;

        public Dictionary<int, DiskException>? Failures { get; set; }

        public Span<byte> Block(int slot) => _blocks.Span.Slice(slot * BlockFormat.BlockBytes, BlockFormat.BlockBytes);

        /// <summary>As much as was needed so far: most trees are small, and clearing memory costs more than reading them.</summary>
        public Span<byte> Scratch(int blocks)
        {
            if (_scratch == null || _scratch.LengthBytes < blocks * BlockFormat.BlockBytes)
            {
                _scratch?.Dispose();
                _scratch = new AlignedBuffer(blocks * BlockFormat.BlockBytes);
            }
            return _scratch.Span[..(blocks * BlockFormat.BlockBytes)];
        }

        public void Dispose()
        {
            _blocks.Dispose();
            _scratch?.Dispose();
        }
    }

    /// <summary>A thread that loads every n-th chunk, one ahead of the one that is looked at.</summary>
    private sealed class Lane : IDisposable
    {
        private readonly OrderedBlocks _owner;
        private readonly Chunk[] _chunks = [new(BulkRead.RunBlocks), new(BulkRead.RunBlocks)];
        private readonly SemaphoreSlim _free = new(2);
        private readonly SemaphoreSlim _full = new(0);
        private readonly Thread _thread;
        private Exception? _failure;
        private int _taken;

        public Lane(OrderedBlocks owner, int first)
        {
            _owner = owner;
            _thread = ToolThreads.Start(() => Run(first));
        }

        public Chunk Take()
        {
            _full.Wait();
            return _failure == null ? _chunks[_taken++ % 2] : throw new InvalidOperationException("a reading thread failed", _failure);
        }

        public void Release() => _free.Release();

        public void Dispose()
        {
            _free.Release();
            _thread.Join();
            foreach (var chunk in _chunks)
                chunk.Dispose();
            _free.Dispose();
            _full.Dispose();
        }

        private void Run(int first)
        {
            try
            {
                var loaded = 0;
                for (var chunk = first; chunk < _owner.Chunks; chunk += _owner._lanes.Length)
                {
                    _free.Wait();
                    if (_owner._isOver)
                        return;
                    _owner.Load(chunk, _chunks[loaded++ % 2]);
                    _full.Release();
                }
            }
            catch (Exception e)
            {
                _failure = e;
                _full.Release();
            }
        }
    }
}
