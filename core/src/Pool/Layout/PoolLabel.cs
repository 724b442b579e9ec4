using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;

namespace CsiThin.Core.Pool.Layout;

/// <summary>
/// The label: 4096 bytes that say "this is a pool of ours" and where its regions are. Little-endian:
/// <code>
/// 0   u32  crc32c of bytes 4 to 4095 (initial value and final xor 0xFFFFFFFF)
/// 4   u32  version, 1
/// 8   u64  magic "CSITHINP"
/// 16  16   pool uuid, in the order its text shows
/// 32  u64  generation: the highest valid one counts
/// 40  u64  bytes of a data block
/// 48  u64  bytes of the disk when this generation was written
/// 56  u32  entries of the region table: 4, and 2 for each further extent
/// 60  u32  incompatible features: 0, or with further extents 1
/// 64  24 each: u32 kind (1 catalog A, 2 catalog B, 3 metadata, 4 data) · u32 0 · u64 offset · u64 length
/// </code>
/// The rest is zero. In the table the catalogs are followed by metadata and data, as often as there are extents. A pool that was never
/// given a further one has the label that it always had; one that was is refused by programs that do not know of them.
/// </summary>
internal sealed record PoolLabel(Guid Uuid, ulong Generation, long DiskBytes, PoolLayout Layout)
{
    public const uint Version = 1;
    private const ulong Magic = 0x504E494854495343; // "CSITHINP"
    private const int RegionTableOffset = 64;
    private const int RegionEntryBytes = 24;
    private const int CatalogRegions = 2;
    private const uint FurtherExtents = 1;

    public void WriteTo(Span<byte> block)
    {
        block[..PoolLayout.LabelBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], Version);
        BinaryPrimitives.WriteUInt64LittleEndian(block[8..], Magic);
        Uuid.TryWriteBytes(block[16..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt64LittleEndian(block[32..], Generation);
        BinaryPrimitives.WriteInt64LittleEndian(block[40..], Layout.DataBlockBytes);
        BinaryPrimitives.WriteInt64LittleEndian(block[48..], DiskBytes);
        BinaryPrimitives.WriteInt32LittleEndian(block[56..], CatalogRegions + 2 * Layout.Extents.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(block[60..], Layout.Extents.Length > 1 ? FurtherExtents : 0);
        foreach (var (i, region) in Regions().Index())
        {
            var entry = block[(RegionTableOffset + i * RegionEntryBytes)..];
            BinaryPrimitives.WriteUInt32LittleEndian(entry, KindOf(i));
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], region.OffsetBytes);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], region.LengthBytes);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(block, Crc32C.Of(block[4..PoolLayout.LabelBytes]));
    }

    /// <summary>
    /// Reads a label. Null: no label of ours, or a damaged one. Throws <see cref="PoolError.Unsupported"/> for an intact one that is too
    /// new.
    /// </summary>
    public static PoolLabel? Read(ReadOnlySpan<byte> block)
    {
        if (!HasMagic(block) || BinaryPrimitives.ReadUInt32LittleEndian(block) != Crc32C.Of(block[4..PoolLayout.LabelBytes]))
            return null;
        var version = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        var features = BinaryPrimitives.ReadUInt32LittleEndian(block[60..]);
        if (version != Version || (features & ~FurtherExtents) != 0)
            throw new PoolException(PoolError.Unsupported, string.Create(CultureInfo.InvariantCulture,
                $"The pool's label has version {version} and features 0x{features:x}; this program knows version " +
                $"{Version} and features 0x{FurtherExtents:x}."));
        var layout = new PoolLayout(
            BinaryPrimitives.ReadInt64LittleEndian(block[40..]), Region(block, 0), Region(block, 1), Extents(block, features));
        var label = new PoolLabel(
            new Guid(block.Slice(16, 16), bigEndian: true),
            BinaryPrimitives.ReadUInt64LittleEndian(block[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(block[48..]),
            layout);
        label.CheckRegions();
        return label;
    }

    /// <summary>Whether the block says it is a label of ours, intact or not.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> block) => BinaryPrimitives.ReadUInt64LittleEndian(block[8..]) == Magic;

    private IEnumerable<RegionExtent> Regions() =>
        [Layout.CatalogA, Layout.CatalogB, .. Layout.Extents.SelectMany(static extent => new[] { extent.Metadata, extent.Data })];

    /// <summary>1 and 2, then 3 and 4 in turns.</summary>
    private static uint KindOf(int index) => (uint)(index < CatalogRegions ? index + 1 : 3 + index % 2);

    private static ImmutableArray<PoolExtent> Extents(ReadOnlySpan<byte> block, uint features)
    {
        var regions = BinaryPrimitives.ReadUInt32LittleEndian(block[56..]);
        var extents = regions / 2 - (long)CatalogRegions / 2;
        if (regions % 2 != 0 || extents is < 1 or > PoolLayout.ExtentsMax
            || (features & FurtherExtents) != (extents > 1 ? FurtherExtents : 0))
            throw new PoolException(PoolError.Corrupt, string.Create(CultureInfo.InvariantCulture,
                $"The pool's label has {regions} regions and features 0x{features:x}, which cannot be."));
        var found = ImmutableArray.CreateBuilder<PoolExtent>((int)extents);
        for (var index = CatalogRegions; index < (int)regions; index += 2)
            found.Add(new PoolExtent(Region(block, index), Region(block, index + 1)));
        return found.MoveToImmutable();
    }

    private static RegionExtent Region(ReadOnlySpan<byte> block, int index)
    {
        var entry = block.Slice(RegionTableOffset + index * RegionEntryBytes, RegionEntryBytes);
        if (BinaryPrimitives.ReadUInt32LittleEndian(entry) != KindOf(index))
            throw new PoolException(
                PoolError.Corrupt,
                string.Create(CultureInfo.InvariantCulture, $"The pool's label has no region of kind {KindOf(index)} where it belongs."));
        return new RegionExtent(BinaryPrimitives.ReadInt64LittleEndian(entry[8..]), BinaryPrimitives.ReadInt64LittleEndian(entry[16..]));
    }

    /// <summary>A checksum proves that the label is as written, not that a program wrote sense: regions must follow each other.</summary>
    private void CheckRegions()
    {
        if (!PoolLayout.IsDataBlock(Layout.DataBlockBytes) || DiskBytes <= 0)
            throw new PoolException(PoolError.Corrupt, string.Create(CultureInfo.InvariantCulture,
                $"The pool's label describes data blocks of {Layout.DataBlockBytes} bytes on a disk of {DiskBytes} bytes, which cannot " +
                $"be."));
        var end = 2L * PoolLayout.LabelBytes;
        foreach (var (index, region) in Regions().Index())
        {
            // The catalog is read as a whole, so its length is memory.
            var bytesMax = index < CatalogRegions ? PoolLayout.CatalogBytesMax : DiskBytes;
            if (region.OffsetBytes < end || region.OffsetBytes > DiskBytes || region.LengthBytes <= 0
                || region.LengthBytes > Math.Min(bytesMax, DiskBytes - region.OffsetBytes)
                || region.OffsetBytes % 4096 != 0 || region.LengthBytes % 4096 != 0)
                throw new PoolException(PoolError.Corrupt, string.Create(CultureInfo.InvariantCulture,
                    $"The pool's label describes a region of {region.LengthBytes} bytes at {region.OffsetBytes}, which cannot be on a " +
                    $"disk of {DiskBytes} bytes."));
            end = region.OffsetBytes + region.LengthBytes;
        }
        var isUneven = Layout.Extents.SkipLast(1).Any(extent => extent.Data.LengthBytes % Layout.DataBlockBytes != 0);
        if (end > PoolLayout.LastLabelOffsetBytes(DiskBytes) || Layout.DataBlocks == 0 || isUneven)
            throw new PoolException(PoolError.Corrupt, string.Create(CultureInfo.InvariantCulture,
                $"The pool's label describes data regions that end at {end} and hold {Layout.DataBlocks} blocks" +
                $"{(isUneven ? " and a part of one in between" : "")}, on a disk of {DiskBytes} bytes."));
    }
}

