using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// The superblock on disk: read and judged here, and written here and nowhere else. Its bytes as committed are kept, so that a commit
/// carries over what it does not know (uuid, compatible flags, the rest of the block).
/// </summary>
internal sealed class SuperblockStore : IDisposable
{
    private readonly IDisk _disk;
    private readonly AlignedBuffer _buffer = new(BlockFormat.BlockBytes);
    private readonly byte[] _committed = new byte[BlockFormat.BlockBytes];

    public SuperblockStore(IDisk disk) => _disk = disk;

    /// <summary>As on disk at the last successful read or write.</summary>
    public SuperblockView View => new(_committed);

    /// <summary>All of the block, as committed.</summary>
    public ReadOnlySpan<byte> Bytes => _committed;

    /// <summary>The superblock's place is all zeroes: nothing was formatted there.</summary>
    /// <exception cref="MetadataException">Io.</exception>
    public static bool IsBlank(IDisk disk)
    {
        using var store = new SuperblockStore(disk);
        return disk.LengthBytes >= BlockFormat.BlockBytes && !store.ReadRaw().ContainsAnyExcept((byte)0);
    }

    /// <summary>Reads and validates it; nothing changes if that fails.</summary>
    /// <exception cref="MetadataException">NotThinMetadata, Misplaced, Corrupt, Unsupported or Io.</exception>
    public void Read()
    {
        if (_disk.LengthBytes < BlockFormat.BlockBytes)
            throw new MetadataException(MetadataError.NotThinMetadata, $"{_disk.LengthBytes} bytes are too few to hold a superblock");
        var block = ReadRaw();
        Judge(block, MetaBlock.Superblock.Value);
        block.CopyTo(_committed);
    }

    /// <summary>Writes it and waits until it is durable. The caller has made everything it refers to durable before.</summary>
    /// <exception cref="DiskException">Which superblock the disk has is then unknown.</exception>
    public void Write(ReadOnlySpan<byte> block)
    {
        block.CopyTo(_buffer.Span);
        BlockFormat.Stamp(BlockKind.Superblock, MetaBlock.Superblock.Value, _buffer.Span);
        _disk.Write(0, _buffer.Span);
        _disk.Barrier();
        _buffer.Span.CopyTo(_committed);
    }

    /// <summary>Takes away what was there before a format, so that a format cut short leaves no pool rather than a broken one.</summary>
    public void Wipe()
    {
        _buffer.Span.Clear();
        _disk.Write(0, _buffer.Span);
        _disk.Barrier();
        Array.Clear(_committed);
    }

    /// <inheritdoc/>
    public void Dispose() => _buffer.Dispose();

    private ReadOnlySpan<byte> ReadRaw()
    {
        try
        {
            _disk.Read(0, _buffer.Span);
        }
        catch (DiskException e)
        {
            throw new MetadataException(MetadataError.Io, $"the superblock cannot be read: {e.Message}", e);
        }
        return _buffer.Span;
    }

    /// <summary>Throws unless the block is a superblock this program can serve.</summary>
    internal static void Judge(ReadOnlySpan<byte> block, ulong number)
    {
        var view = new SuperblockView(block);
        if (!block.ContainsAnyExcept((byte)0))
            throw new MetadataException(MetadataError.NotThinMetadata, "the superblock is all zeroes: nothing was formatted here");
        if (view.Magic != SuperblockView.MagicValue)
            throw new MetadataException(MetadataError.NotThinMetadata,
                $"the superblock's magic is {view.Magic}, not dm-thin's {SuperblockView.MagicValue}");
        if (view.Number != number)
            throw new MetadataException(MetadataError.Misplaced, $"the superblock says it belongs at block {view.Number}, not {number}");
        if (BlockFormat.Check(BlockKind.Superblock, number, block) is { } wrong)
            throw new MetadataException(MetadataError.Corrupt, $"the superblock is damaged: {wrong}");
        if (view.Version is not (1 or 2))
            throw new MetadataException(MetadataError.Unsupported, $"the metadata has version {view.Version}; versions 1 and 2 are known");
        if (view.MetadataBlockSectors != BlockFormat.BlockSectors)
            throw new MetadataException(MetadataError.Unsupported,
                $"metadata blocks have {view.MetadataBlockSectors} sectors; {BlockFormat.BlockSectors} are known");
        if (!ThinMetadata.IsDataBlockSize(view.DataBlockSectors))
            throw new MetadataException(MetadataError.Unsupported,
                $"the pool's data block has {view.DataBlockSectors} sectors, which no pool can have");
        // A mapping has 24 bits for it, and the data block above them.
        if (view.Time > BlockTime.MaxTime)
            throw new MetadataException(MetadataError.Corrupt, $"the pool's time is {view.Time}; it ends at {BlockTime.MaxTime}");
        if (view.IncompatFlags != 0)
            throw new MetadataException(MetadataError.Unsupported, $"the metadata uses unknown features (0x{view.IncompatFlags:x})");
    }
}
