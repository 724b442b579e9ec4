using System.Buffers.Binary;

namespace CsiThin.Core.Format;

/// <summary>
/// The superblock, read where it lies (<c>struct thin_disk_superblock</c>, 364 bytes used, so that one 512-byte sector holds it).
/// </summary>
internal readonly ref struct SuperblockView(ReadOnlySpan<byte> block)
{
    public const ulong MagicValue = 27022010;

    /// <summary>The version written; versions 1 and 2 are read.</summary>
    public const uint WrittenVersion = 2;

    /// <summary>Bit of <see cref="Flags"/>: the metadata must be checked before it is used.</summary>
    public const uint NeedsCheckFlag = 1;

    public const int FlagsOffset = 4;
    public const int NumberOffset = 8;
    public const int UuidOffset = 16;
    public const int UuidBytes = 16;
    public const int MagicOffset = 32;
    public const int VersionOffset = 40;
    public const int TimeOffset = 44;
    public const int TransactionIdOffset = 48;
    public const int HeldRootOffset = 56;
    public const int DataSpaceMapOffset = 64;
    public const int MetadataSpaceMapOffset = DataSpaceMapOffset + SpaceMapRoot.AreaBytes;
    public const int MappingRootOffset = MetadataSpaceMapOffset + SpaceMapRoot.AreaBytes;
    public const int DetailsRootOffset = MappingRootOffset + 8;
    public const int DataBlockSectorsOffset = DetailsRootOffset + 8;
    public const int MetadataBlockSectorsOffset = DataBlockSectorsOffset + 4;
    public const int MetadataBlocksOffset = MetadataBlockSectorsOffset + 4;
    public const int CompatOffset = MetadataBlocksOffset + 8;
    public const int CompatReadOnlyOffset = CompatOffset + 4;
    public const int IncompatOffset = CompatReadOnlyOffset + 4;

    private readonly ReadOnlySpan<byte> _block = block;

    public uint Flags => Get32(FlagsOffset);

    public ulong Number => Get64(NumberOffset);

    public ReadOnlySpan<byte> Uuid => _block.Slice(UuidOffset, UuidBytes);

    public ulong Magic => Get64(MagicOffset);

    public uint Version => Get32(VersionOffset);

    public uint Time => Get32(TimeOffset);

    public ulong TransactionId => Get64(TransactionIdOffset);

    public ulong HeldRoot => Get64(HeldRootOffset);

    public SpaceMapRoot DataSpaceMap => SpaceMapRoot.Read(_block[DataSpaceMapOffset..]);

    public SpaceMapRoot MetadataSpaceMap => SpaceMapRoot.Read(_block[MetadataSpaceMapOffset..]);

    public ulong MappingRoot => Get64(MappingRootOffset);

    public ulong DetailsRoot => Get64(DetailsRootOffset);

    public uint DataBlockSectors => Get32(DataBlockSectorsOffset);

    public uint MetadataBlockSectors => Get32(MetadataBlockSectorsOffset);

    public ulong MetadataBlocks => Get64(MetadataBlocksOffset);

    public uint CompatReadOnlyFlags => Get32(CompatReadOnlyOffset);

    public uint IncompatFlags => Get32(IncompatOffset);

    private uint Get32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_block[offset..]);

    private ulong Get64(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(_block[offset..]);
}
