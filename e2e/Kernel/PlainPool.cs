using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// A pool as the kernel has it, metadata and data on a device each and no label or catalog: our metadata floor on the one, plain reads and
/// writes on the other.
/// </summary>
internal sealed class PlainPool : IDisposable
{
    private readonly FileDisk _metadataDisk;
    private readonly FileStream _data;
    private readonly int _blockBytes;

    public PlainPool(string metadata, string data)
    {
        _metadataDisk = FileDisk.Open(metadata);
        Metadata = ThinMetadata.Open(_metadataDisk, new ThinMetadataOptions());
        _data = new FileStream(data, FileMode.Open, FileAccess.ReadWrite);
        _blockBytes = (int)Metadata.DataBlockSectors * 512;
    }

    public ThinMetadata Metadata { get; }

    public byte[] Read(uint id, int lengthBytes)
    {
        using var thin = Metadata.OpenThin(new ThinId(id));
        var bytes = new byte[lengthBytes];
        for (var at = 0; at < lengthBytes; at += _blockBytes)
        {
            if (Metadata.Find(thin, new VirtualBlock((ulong)(at / _blockBytes)), out var mapping))
                ReadBlock(mapping.Block, bytes.AsSpan(at, Math.Min(_blockBytes, lengthBytes - at)));
        }
        return bytes;
    }

    /// <summary>Writes whole blocks as a pool does: a new data block for each hole or shared block.</summary>
    public void Write(uint id, ulong firstBlock, ReadOnlySpan<byte> bytes)
    {
        using var thin = Metadata.OpenThin(new ThinId(id));
        for (var at = 0; at < bytes.Length; at += _blockBytes)
        {
            var block = new VirtualBlock(firstBlock + (ulong)(at / _blockBytes));
            if (!Metadata.Find(thin, block, out var mapping) || mapping.IsShared)
            {
                Assert.True(Metadata.TryAllocateDataBlock(out var fresh));
                Metadata.Insert(thin, block, fresh);
                mapping = new Mapping(fresh, IsShared: false);
            }
            _data.Position = (long)mapping.Block.Value * _blockBytes;
            _data.Write(bytes.Slice(at, _blockBytes));
        }
    }

    public void Dispose()
    {
        _data.Flush(flushToDisk: true);
        _data.Dispose();
        Metadata.Dispose();
        _metadataDisk.Dispose();
    }

    private void ReadBlock(DataBlock block, Span<byte> target)
    {
        _data.Position = (long)block.Value * _blockBytes;
        _data.ReadExactly(target);
    }
}
