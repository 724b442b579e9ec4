using System.Buffers.Binary;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Damage;

/// <summary>Whole pools with damaged labels, catalogs and metadata, opened and used all the same.</summary>
public sealed class PoolDamageTests(ITestOutputHelper output)
{
    private const int Block = 4096;
    private PoolImage _image = null!; // each test's first act

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_changed_byte_of_a_pool_is_an_error_or_costs_nothing(bool isGrown)
    {
        _image = new PoolImage(isGrown);
        var random = TestSeed.NewRandom(output);
        var cases = (from place in Places() from offset in Enumerable.Range(0, Block) select place.OffsetBytes + offset).ToList();
        var done = CaseRunner.Run(cases.Some(150, random), offset =>
        {
            var disk = _image.Disk.Copy();
            Change(disk, offset, (byte)random.Next(1, 256));
            new PoolProbe(_image, disk, isTold: true).Run(random);
        });
        output.WriteLine($"{done} cases");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_changed_byte_of_a_pool_under_a_good_checksum_ends_with_an_error_or_well(bool isGrown)
    {
        _image = new PoolImage(isGrown);
        var random = TestSeed.NewRandom(output);
        var cases = (from place in Places() from offset in Enumerable.Range(0, Block) select (place, offset)).ToList();
        var done = CaseRunner.Run(cases.Some(250, random), one =>
        {
            var disk = _image.Disk.Copy();
            Change(disk, one.place.OffsetBytes + one.offset, (byte)random.Next(1, 256));
            one.place.Stamp(disk);
            new PoolProbe(_image, disk, isTold: false).Run(random);
        });
        output.WriteLine($"{done} cases");
    }

    /// <summary>Fields of labels, frames and superblock set to what hurts most, several at once.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_a_pool_says_of_itself_it_ends_with_an_error_or_well(bool isGrown)
    {
        _image = new PoolImage(isGrown);
        var places = Places();
        var done = CaseRunner.Run(CaseRunner.Seeds(TestSeed.New(output), Effort.FuzzTime), one =>
        {
            var random = new Random(one.Seed);
            var disk = _image.Disk.Copy();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var place = places[random.Next(places.Count)];
                Mutate(disk, place, random);
                place.Stamp(disk);
            }
            new PoolProbe(_image, disk, isTold: false).Run(random);
        });
        output.WriteLine($"{done} cases");
    }

    private static void Mutate(MemoryDisk disk, Place place, Random random)
    {
        Span<byte> block = stackalloc byte[Block];
        disk.Read(place.OffsetBytes, block);
        var value = random.Next(6) switch
        {
            0 => 0,
            1 => -1,
            2 => 1L << random.Next(64),
            3 => (1L << random.Next(64)) - 1,
            4 => random.NextInt64(),
            _ => random.Next(5000),
        };
        var at = random.Next(3) == 0 ? random.Next(4, Block - 8) : random.Next(4, 400);
        if (random.Next(2) == 0)
            BinaryPrimitives.WriteInt64LittleEndian(block[at..], value);
        else if (random.Next(2) == 0)
            BinaryPrimitives.WriteInt32LittleEndian(block[at..], (int)value);
        else
            block[at] = (byte)value;
        disk.Write(place.OffsetBytes, block);
    }

    private static void Change(MemoryDisk disk, long offsetBytes, byte mask)
    {
        var block = new byte[Block];
        disk.Read(offsetBytes / Block * Block, block);
        block[offsetBytes % Block] ^= mask;
        disk.Write(offsetBytes / Block * Block, block);
    }

    /// <summary>Every block that is not data: labels, the frames of the catalog and the block behind them, metadata in use.</summary>
    private List<Place> Places()
    {
        var places = new List<Place>
        {
            new(0, Place.StampLabel),
            new(Block, Place.StampLabel),
            new(PoolLayout.LastLabelOffsetBytes(_image.Disk.LengthBytes), Place.StampLabel),
        };
        for (var at = _image.Layout.CatalogA.OffsetBytes; places.Count < 3 + 12; at += Block)
            places.Add(new Place(at, Place.StampFrame));
        places.Add(new Place(_image.Layout.CatalogB.OffsetBytes, Place.StampFrame));
        for (var number = 0; number < 24; number++)
            places.Add(new Place(_image.Layout.Extents[0].Metadata.OffsetBytes + (number * Block), Place.StampMetadata(_image, number)));
        return places;
    }

    private sealed record Place(long OffsetBytes, Action<byte[]> Restamp)
    {
        public void Stamp(MemoryDisk disk)
        {
            var block = new byte[Block];
            disk.Read(OffsetBytes, block);
            Restamp(block);
            disk.Write(OffsetBytes, block);
        }

        public static void StampLabel(byte[] block) => BinaryPrimitives.WriteUInt32LittleEndian(block, Crc32C.Of(block.AsSpan(4)));

        public static void StampFrame(byte[] block)
        {
            var lengthBytes = Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(block.AsSpan(4)), 4, Block);
            BinaryPrimitives.WriteUInt32LittleEndian(block, Crc32C.Of(block.AsSpan(4, lengthBytes - 4)));
        }

        public static Action<byte[]> StampMetadata(PoolImage image, int number)
        {
            var block = new byte[Block];
            image.Disk.Read(image.Layout.Extents[0].Metadata.OffsetBytes + (number * Block), block);
            var kinds = Enum.GetValues<BlockKind>().Where(kind => BlockFormat.Check(kind, (ulong)number, block) == null).ToList();
            return kinds.Count == 1 ? changed => BlockFormat.Stamp(kinds[0], (ulong)number, changed) : static _ => { };
        }

        public override string ToString() => $"{OffsetBytes}";
    }
}
