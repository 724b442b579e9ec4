using System.Diagnostics;
using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// Metadata blocks in memory, read through their kind and validated on first read. Invariants:
/// <list type="number">
/// <item>A clean block's bytes equal the disk's and passed <see cref="BlockFormat.Check"/>.</item>
/// <item>A dirty block is not on disk yet; it is pinned until <see cref="WriteDirty"/> and <see cref="MarkClean"/>, or
/// <see cref="DropAll"/>.</item>
/// <item>Clean blocks take at most the given bytes after <see cref="Trim"/>; nothing is evicted at any other moment, so spans stay
/// good.</item>
/// </list>
/// Concurrency: one mutating thread; other threads call <see cref="TryGet"/> inside the gate's reading section. Disk I/O happens outside
/// the gate.
/// </summary>
internal sealed class BlockCache(IDisk disk, Gate gate, long cleanLimitBytes) : IDisposable
{
    private const int SlabBlocks = 64;

    private readonly Dictionary<ulong, CachedBlock> _blocks = [];
    private readonly LinkedList<CachedBlock> _clean = [];
    private readonly List<CachedBlock> _dirty = [];
    private readonly Stack<CachedBlock> _spare = [];
    private readonly List<AlignedBuffer> _slabs = [];
    private readonly long _cleanLimitBlocks = Math.Max(16, cleanLimitBytes / BlockFormat.BlockBytes);
    private readonly BlockWriter _writer = new(disk);

    /// <summary>The device below.</summary>
    public IDisk Disk => disk;

    /// <summary>Excludes readers while what they can see changes.</summary>
    public Gate Gate => gate;

    /// <summary>Blocks that wait for the commit.</summary>
    public int DirtyCount => _dirty.Count;

    /// <summary>Blocks read from the disk so far.</summary>
    public long ReadCount { get; private set; }

    /// <summary>A cached block, without touching the disk. Mutating thread, or any thread inside the gate.</summary>
    public bool TryGet(ulong number, out CachedBlock block)
    {
        if (!_blocks.TryGetValue(number, out block!))
            return false;
        // Written only if need be: a store for every look-up would make the threads' caches fight over the top nodes.
        if (!block.WasUsed)
            block.WasUsed = true;
        return true;
    }

    /// <summary>A block, read and validated if it is not here. Mutating thread only.</summary>
    /// <exception cref="MetadataException">Corrupt, or Io.</exception>
    public CachedBlock Read(ulong number, BlockKind kind)
    {
        if (!TryGet(number, out var block))
            return Load(number, kind);
        if (block.Kind != kind)
            throw Corrupt(number, $"it is used as a {kind} and as a {block.Kind}");
        return block;
    }

    /// <summary>A zeroed dirty block, replacing whatever the cache had there. Only for the transaction manager.</summary>
    public CachedBlock Create(ulong number, BlockKind kind)
    {
        var block = TakeSpare();
        block.Memory.Clear();
        block.Number = number;
        block.Kind = kind;
        block.IsDirty = true;
        using (gate.Write())
        {
            if (_blocks.Remove(number, out var old))
                Retire(old);
            _blocks.Add(number, block);
        }
        block.DirtyIndex = _dirty.Count;
        _dirty.Add(block);
        return block;
    }

    /// <summary>Makes a clean block dirty where it is, which nobody may: see <see cref="MetadataFaults.ChangeInPlace"/>.</summary>
    public CachedBlock DirtyInPlace(CachedBlock block)
    {
        _clean.Remove(block.CleanNode!);
        block.CleanNode = null;
        block.IsDirty = true;
        block.DirtyIndex = _dirty.Count;
        _dirty.Add(block);
        return block;
    }

    /// <summary>Forgets a block of this transaction that was freed again, so that it is not written for nothing.</summary>
    public void Discard(ulong number)
    {
        if (!_blocks.TryGetValue(number, out var block) || !block.IsDirty)
            return;
        using (gate.Write())
        {
            _blocks.Remove(number);
            Retire(block);
        }
    }

    /// <summary>Stamps and writes every dirty block in order, adjacent ones together. No barrier; they stay dirty.</summary>
    public void WriteDirty()
    {
        _dirty.Sort(static (a, b) => a.Number.CompareTo(b.Number));
        for (var i = 0; i < _dirty.Count; i++)
            _dirty[i].DirtyIndex = i;
        _writer.Write(_dirty);
    }

    /// <summary>After a commit: what was dirty is now as on disk.</summary>
    public void MarkClean()
    {
        foreach (var block in _dirty)
        {
            block.IsDirty = false;
            block.CleanNode = _clean.AddFirst(block);
        }
        _dirty.Clear();
        Trim();
    }

    /// <summary>Forgets everything, dirty blocks included.</summary>
    public void DropAll()
    {
        using (gate.Write())
        {
            foreach (var block in _blocks.Values)
                _spare.Push(block);
            _blocks.Clear();
        }
        foreach (var block in _spare)
        {
            block.CleanNode = null;
            block.IsDirty = false;
        }
        _clean.Clear();
        _dirty.Clear();
    }

    /// <summary>Evicts clean blocks above the limit. Called where the mutating thread holds no span of a block.</summary>
    public void Trim()
    {
        if (_clean.Count <= _cleanLimitBlocks)
            return;
        using (gate.Write())
        {
            while (_clean.Count > _cleanLimitBlocks)
            {
                var node = _clean.Last!;
                _clean.RemoveLast();
                if (node.Value.WasUsed)
                {
                    node.Value.WasUsed = false;
                    _clean.AddFirst(node);
                    continue;
                }
                _blocks.Remove(node.Value.Number);
                node.Value.CleanNode = null;
                _spare.Push(node.Value);
            }
        }
    }

    /// <summary>Gives the memory back. Never writes.</summary>
    public void Dispose()
    {
        DropAll();
        _spare.Clear();
        foreach (var slab in _slabs)
            slab.Dispose();
        _slabs.Clear();
        _writer.Dispose();
    }

    internal static MetadataException Corrupt(ulong number, string what) =>
        new(MetadataError.Corrupt, $"metadata block {number} is damaged: {what}");

    private CachedBlock Load(ulong number, BlockKind kind)
    {
        if (number >= (ulong)disk.LengthBytes / BlockFormat.BlockBytes)
            throw Corrupt(number, $"it lies beyond the end of the metadata ({disk.LengthBytes} bytes)");
        var block = TakeSpare();
        ReadCount++;
        try
        {
            disk.Read((long)number * BlockFormat.BlockBytes, block.Memory);
        }
        catch (DiskException e)
        {
            _spare.Push(block);
            throw new MetadataException(MetadataError.Io, $"metadata block {number} cannot be read: {e.Message}", e);
        }
        if (BlockFormat.Check(kind, number, block.Data) is { } wrong)
        {
            _spare.Push(block);
            throw Corrupt(number, wrong);
        }
        block.Number = number;
        block.Kind = kind;
        block.IsDirty = false;
        block.WasUsed = true;
        using (gate.Write())
            _blocks.Add(number, block);
        block.CleanNode = _clean.AddFirst(block);
        return block;
    }

    /// <summary>Takes back the memory of a block that left the dictionary. Nobody holds a span of it: it was free.</summary>
    private void Retire(CachedBlock old)
    {
        if (old.IsDirty)
        {
            Debug.Assert(_dirty[old.DirtyIndex] == old, "a dirty block is always listed");
            _dirty[old.DirtyIndex] = _dirty[^1];
            _dirty[old.DirtyIndex].DirtyIndex = old.DirtyIndex;
            _dirty.RemoveAt(_dirty.Count - 1);
        }
        if (old.CleanNode != null)
            _clean.Remove(old.CleanNode);
        old.CleanNode = null;
        old.IsDirty = false;
        _spare.Push(old);
    }

    private CachedBlock TakeSpare()
    {
        if (_spare.TryPop(out var block))
            return block;
        var slab = new AlignedBuffer(SlabBlocks * BlockFormat.BlockBytes);
        _slabs.Add(slab);
        for (var i = 1; i < SlabBlocks; i++)
            _spare.Push(new CachedBlock(slab, i * BlockFormat.BlockBytes));
        return new CachedBlock(slab, 0);
    }
}
