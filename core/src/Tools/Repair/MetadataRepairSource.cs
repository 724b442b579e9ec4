using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools.Building;

namespace CsiThin.Core.Tools.Repair;

/// <summary>
/// Damaged metadata, read block by block. Neighbours are read together and kept for a while; where the disk refuses them, one by one. A
/// block that cannot be read is no different from one that is damaged. Never writes. Not thread safe.
/// </summary>
internal sealed class RepairSource : IDisposable
{
    private const int WindowBlocks = 16;
    private const int MaxWindows = 256;

    private readonly IDisk _disk;
    private readonly AlignedBuffer _memory;
    private readonly ulong?[] _held;
    private readonly bool[] _isUnreadable;

    /// <summary>Takes memory for 16 MiB of the metadata, or all of it where that is less.</summary>
    public RepairSource(IDisk disk)
    {
        _disk = disk;
        Blocks = MetadataBuilder.BlocksOf(disk);
        var windows = (int)Math.Clamp((Blocks + WindowBlocks - 1) / WindowBlocks, 1, MaxWindows);
        _memory = new AlignedBuffer(windows * WindowBlocks * BlockFormat.BlockBytes);
        _held = new ulong?[windows];
        _isUnreadable = new bool[windows * WindowBlocks];
    }

    /// <summary>Blocks there are.</summary>
    public ulong Blocks { get; }

    /// <summary>The superblock, if it can be trusted.</summary>
    /// <exception cref="MetadataException">Unsupported: it is whole, and of metadata that this program does not know.</exception>
    public byte[]? ReadSuperblock(out string wrong)
    {
        using var store = new SuperblockStore(_disk);
        try
        {
            store.Read();
            wrong = "";
            return store.Bytes.ToArray();
        }
        catch (MetadataException e) when (e.Error != MetadataError.Unsupported)
        {
            wrong = e.Message;
            return null;
        }
    }

    /// <summary>Copies a node; else says what is wrong with the block.</summary>
    public string? ReadNode(ulong number, Span<byte> node)
    {
        if (number >= Blocks)
            return $"block {number} lies beyond the {Blocks} there are";
        var slot = Hold(number / WindowBlocks);
        var place = (slot * WindowBlocks) + (int)(number % WindowBlocks);
        if (_isUnreadable[place])
            return $"block {number} cannot be read";
        _memory.Span.Slice(place * BlockFormat.BlockBytes, BlockFormat.BlockBytes).CopyTo(node);
        return BlockFormat.Check(BlockKind.BTreeNode, number, node) is { } wrong ? $"block {number}: {wrong}" : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private int Hold(ulong window)
    {
        var slot = (int)(window % (ulong)_held.Length);
        if (_held[slot] == window)
            return slot;
        _held[slot] = window;
        var first = window * WindowBlocks;
        var count = (int)Math.Min(WindowBlocks, Blocks - first);
        var memory = _memory.Span.Slice(slot * WindowBlocks * BlockFormat.BlockBytes, count * BlockFormat.BlockBytes);
        var isWhole = TryRead(first, memory);
        for (var i = 0; i < count; i++)
            _isUnreadable[(slot * WindowBlocks) + i] =
                !isWhole && !TryRead(first + (ulong)i, memory.Slice(i * BlockFormat.BlockBytes, BlockFormat.BlockBytes));
        return slot;
    }

    private bool TryRead(ulong block, Span<byte> memory)
    {
        try
        {
            _disk.Read((long)block * BlockFormat.BlockBytes, memory);
            return true;
        }
        catch (DiskException)
        {
            return false;
        }
    }
}
