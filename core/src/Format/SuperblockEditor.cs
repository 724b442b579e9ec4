using System.Buffers.Binary;

namespace CsiThin.Core.Format;

/// <summary>A superblock being prepared. Fields it does not set stay as they are: a commit keeps what it does not know.</summary>
internal readonly ref struct SuperblockEditor(Span<byte> block)
{
    private readonly Span<byte> _block = block;

    public uint Flags { set => Set(SuperblockView.FlagsOffset, value); }

    public ulong Magic { set => Set(SuperblockView.MagicOffset, value); }

    public uint Version { set => Set(SuperblockView.VersionOffset, value); }

    public uint Time { set => Set(SuperblockView.TimeOffset, value); }

    public ulong TransactionId { set => Set(SuperblockView.TransactionIdOffset, value); }

    public ulong HeldRoot { set => Set(SuperblockView.HeldRootOffset, value); }

    public ulong MappingRoot { set => Set(SuperblockView.MappingRootOffset, value); }

    public ulong DetailsRoot { set => Set(SuperblockView.DetailsRootOffset, value); }

    public uint DataBlockSectors { set => Set(SuperblockView.DataBlockSectorsOffset, value); }

    public uint MetadataBlockSectors { set => Set(SuperblockView.MetadataBlockSectorsOffset, value); }

    public ulong MetadataBlocks { set => Set(SuperblockView.MetadataBlocksOffset, value); }

    public SpaceMapRoot DataSpaceMap { set => value.Write(_block[SuperblockView.DataSpaceMapOffset..]); }

    public SpaceMapRoot MetadataSpaceMap { set => value.Write(_block[SuperblockView.MetadataSpaceMapOffset..]); }

    private void Set(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_block[offset..], value);

    private void Set(int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(_block[offset..], value);
}
