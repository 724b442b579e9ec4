using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools.Building;

/// <summary>
/// Takes the blocks of metadata that is being built, one behind the other from block 1 on, and counts their references: one each, unless
/// said otherwise. Without a disk it only counts, which is how the room that is needed is known before anything is written. Not thread
/// safe.
/// </summary>
internal sealed class TreeBuilderOutput : IDisposable
{
    private const int BufferBlocks = 256;

    private readonly IDisk? _disk;
    private readonly AlignedBuffer? _buffer;
    private readonly SortedDictionary<ulong, uint> _otherCounts = [];
    private int _buffered;

    /// <summary>An output that writes to <paramref name="disk"/>, or one that only counts.</summary>
    /// <param name="disk">Null to only count.</param>
    /// <param name="blocks">The blocks there are.</param>
    public TreeBuilderOutput(IDisk? disk, ulong blocks)
    {
        _disk = disk;
        Blocks = blocks;
        if (disk != null)
            _buffer = new AlignedBuffer(BufferBlocks * BlockFormat.BlockBytes);
    }

    /// <summary>The blocks there are.</summary>
    public ulong Blocks { get; }

    /// <summary>The number of the next block; so many are taken, the superblock's included.</summary>
    public ulong Next { get; private set; } = MetaBlock.Superblock.Value + 1;

    /// <summary>There are not enough blocks for what was added so far.</summary>
    public bool IsOverfull => Next > Blocks;

    /// <summary>Blocks whose count is not one, in order, with their counts.</summary>
    public IReadOnlyDictionary<ulong, uint> OtherCounts => _otherCounts;

    /// <summary>Adds a block, whose number and checksum are set here, and returns its number.</summary>
    /// <exception cref="MetadataException">
    /// NoMetadataSpace: without a disk only when it takes many times the blocks there are, so that the need is mostly known.
    /// </exception>
    /// <exception cref="DiskException">The disk failed.</exception>
    public ulong Append(BlockKind kind, Span<byte> block)
    {
        if (_disk != null ? Next >= Blocks : Next / 16 > Blocks)
            throw new MetadataException(MetadataError.NoMetadataSpace,
                $"the metadata needs more than {Next} blocks of {BlockFormat.BlockBytes} bytes, and there are {Blocks}");
        if (_buffer != null)
        {
            BlockFormat.Stamp(kind, Next, block);
            block.CopyTo(_buffer.Span[(_buffered++ * BlockFormat.BlockBytes)..]);
        }
        Next++;
        if (_buffered == BufferBlocks)
            Flush();
        return Next - 1;
    }

    /// <summary>Takes away the one reference a block has from the start, because those who refer to it are counted one by one.</summary>
    public void Unreference(ulong block) => _otherCounts[block] = 0;

    /// <summary>Counts one more reference.</summary>
    public void AddReference(ulong block)
    {
        var now = _otherCounts.GetValueOrDefault(block, 1u) + 1;
        if (now == 1)
            _otherCounts.Remove(block);
        else
            _otherCounts[block] = now;
    }

    /// <summary>Hands what is left to the disk; a barrier is the caller's.</summary>
    public void Flush()
    {
        if (_disk == null || _buffered == 0)
            return;
        var begin = (Next - (ulong)_buffered) * BlockFormat.BlockBytes;
        _disk.Write((long)begin, _buffer!.Span[..(_buffered * BlockFormat.BlockBytes)]);
        _buffered = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _buffer?.Dispose();
}
