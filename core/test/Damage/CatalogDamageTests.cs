using System.Buffers.Binary;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Catalogs;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Damage;

/// <summary>The readers of the catalog and the label by themselves, which are so quick that every byte can be tried.</summary>
public sealed class CatalogDamageTests(ITestOutputHelper output) : IDisposable
{
    private const int RegionBytes = 64 << 10;
    private const ulong Transaction = 4;
    private static readonly Guid Pool = new("00112233-4455-6677-8899-aabbccddeeff");

    private readonly MemoryDisk _regionA = new(RegionBytes);
    private readonly MemoryDisk _regionB = new(RegionBytes);

    public void Dispose()
    {
        _regionA.Dispose();
        _regionB.Dispose();
    }

    [Fact]
    public void A_changed_byte_of_the_catalog_is_an_error_or_costs_nothing()
    {
        WriteJournal();
        var before = Describe(Load());
        var random = TestSeed.NewRandom(output);
        var block = new byte[4096];
        for (var offset = 0; offset < 7 * 4096; offset++)
        {
            var (at, mask) = (offset / 4096 * 4096, (byte)random.Next(1, 256));
            _regionA.Read(at, block);
            block[offset % 4096] ^= mask;
            _regionA.Write(at, block);
            try
            {
                Assert.Equal(before, Describe(Load()));
            }
            catch (PoolException e)
            {
                Assert.Equal(PoolError.Corrupt, e.Error);
            }
            block[offset % 4096] ^= mask;
            _regionA.Write(at, block);
        }
        Assert.Equal(before, Describe(Load()));
    }

    /// <summary>
    /// The sixth block is zeroes. In the place of the last frame they are the end, as if a foreign tool had raised the transaction id: that
    /// the catalog lacks a device is for the check of pools to find.
    /// </summary>
    [Fact]
    public void Blocks_of_the_catalog_in_each_others_place_are_an_error()
    {
        WriteJournal();
        var before = Describe(Load());
        foreach (var from in Enumerable.Range(0, 7))
            foreach (var to in Enumerable.Range(0, 7).Where(to => to != from && (from, to) != (6, 5)))
            {
                var (a, b) = (new byte[4096], new byte[4096]);
                _regionA.Read(from * 4096, a);
                _regionA.Read(to * 4096, b);
                _regionA.Write(to * 4096, a);
                try
                {
                    Assert.Equal(before, Describe(Load()));
                }
                catch (PoolException e)
                {
                    Assert.Equal(PoolError.Corrupt, e.Error);
                }
                _regionA.Write(to * 4096, b);
            }
    }

    public static TheoryData<string, string[]> Hostile() => new()
    {
        { "two entries are called 'a'", ["1 a 1 512", "2 a 2 512"] },
        { "two entries name thin device 1", ["1 a 1 512", "2 b 1 512"] },
        { "cannot have 2305843009213693952 bytes", ["1 a 1 2305843009213693952"] },
        { "cannot have 513 bytes", ["1 a 1 513"] },
        { "has a volume 90", ["90 a 1 512"] },
        { "must not contain control characters", ["1 a\u0007 1 512"] },
        { "must have 1 to 128 characters", [$"1 {new string('x', 129)} 1 512"] },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void A_catalog_that_makes_no_sense_is_an_error(string message, string[] entries)
    {
        Write(0, new CatalogFrameHeader(1, 0, 0, 1), []);
        Write(4096, new CatalogFrameHeader(1, 1, Transaction, 50), [.. entries.Select(Entry)]);
        var error = Assert.Throws<PoolException>(Load);
        Assert.Equal(PoolError.Corrupt, error.Error);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    /// <summary>More than a number of bytes holds: the sum of the sizes once overflowed, and the pool could not be opened again.</summary>
    [Fact]
    public void Sixteen_volumes_of_the_largest_size_are_no_damage()
    {
        Write(0, new CatalogFrameHeader(1, 0, 0, 1), []);
        Write(4096, new CatalogFrameHeader(1, 1, Transaction, 50),
            [.. Enumerable.Range(1, 16).Select(static i => Entry($"{i} v{i} {i} {ThinPool.VolumeBytesMax}"))]);
        Assert.Equal((Int128)ThinPool.VolumeBytesMax * 16, Load().Committed.ProvisionedBytes);
    }

    [Theory]
    [InlineData(40, 12345L)]
    [InlineData(40, 0L)]
    [InlineData(48, long.MinValue)]
    [InlineData(48, 0L)]
    [InlineData(64 + 8, -4096L)]
    [InlineData(64 + 16, long.MaxValue - 4095)]
    [InlineData(64 + 16, 64L << 20)]
    [InlineData(64 + 24 + 8, 0L)]
    [InlineData(64 + 48 + 16, 0L)]
    [InlineData(64 + 72 + 8, 1L << 62)]
    [InlineData(64 + 72 + 16, 4096L)]
    [InlineData(64 + 72 + 16, (256L << 20) - (5L << 20))]
    public void A_label_that_makes_no_sense_is_an_error(int offset, long value)
    {
        var layout = PoolLayout.Plan(256L << 20, 64 << 10);
        var block = new byte[PoolLayout.LabelBytes];
        new PoolLabel(Pool, 1, 256L << 20, layout).WriteTo(block);
        Assert.NotNull(PoolLabel.Read(block));
        BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(offset), value);
        BinaryPrimitives.WriteUInt32LittleEndian(block, Crc32C.Of(block.AsSpan(4)));
        Assert.Equal(PoolError.Corrupt, Assert.Throws<PoolException>(() => PoolLabel.Read(block)).Error);
    }

    [Fact]
    public void No_changed_bit_of_a_label_gets_past_its_checksum()
    {
        var block = new byte[PoolLayout.LabelBytes];
        new PoolLabel(Pool, 1, 256L << 20, PoolLayout.Plan(256L << 20, 64 << 10)).WriteTo(block);
        for (var bit = 0; bit < 8 * block.Length; bit++)
        {
            block[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Null(PoolLabel.Read(block));
            block[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    /// <summary>Bytes of a frame changed under a good checksum: read as an entry, or refused.</summary>
    [Fact]
    public void Whatever_a_frame_says_it_is_read_or_refused()
    {
        var done = CaseRunner.Run(CaseRunner.Seeds(TestSeed.New(output), Effort.FuzzTime / 2), one =>
        {
            var random = new Random(one.Seed);
            WriteJournal();
            var at = random.Next(7) * 4096;
            var block = new byte[4096];
            _regionA.Read(at, block);
            for (var i = random.Next(1, 4); i > 0; i--)
                block[random.Next(4, 250)] = random.Next(4) == 0 ? (byte)255 : (byte)random.Next(256);
            var lengthBytes = Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(block.AsSpan(4)), 4, 4096);
            BinaryPrimitives.WriteUInt32LittleEndian(block, Crc32C.Of(block.AsSpan(4, lengthBytes - 4)));
            _regionA.Write(at, block);
            try
            {
                _ = Describe(Load());
            }
            catch (PoolException e)
            {
                Assert.Equal(PoolError.Corrupt, e.Error);
            }
        });
        output.WriteLine($"{done} cases");
    }

    /// <summary>Frames of several transactions, one of two blocks, with every kind of change.</summary>
    private void WriteJournal()
    {
        Write(0, new CatalogFrameHeader(1, 0, 0, 1), []);
        Write(4096, new CatalogFrameHeader(1, 1, 1, 4), [Entry("1 a 1 512"), Entry("2 b 2 1024"), Entry("3 c 3 4096")]);
        Write(2 * 4096, new CatalogFrameHeader(1, 2, 2, 5), [Entry($"4 {new string('ü', 128)} 4 512", new string('p', 5000))]);
        Write(4 * 4096, new CatalogFrameHeader(1, 3, 3, 5), [CatalogChange.OfDying(1, new ThinId(1)), CatalogChange.Remove(2)]);
        Write(5 * 4096, new CatalogFrameHeader(1, 4, Transaction, 5), [CatalogChange.Remove(1), Entry("3 d 3 8192")]);
        _regionA.Write(6 * 4096, new byte[4096]);
    }

    private Catalog Load() => Catalog.Load(new CatalogJournal(_regionA, _regionB, Pool), Pool, Transaction);

    private static string Describe(Catalog catalog) => string.Join("; ", catalog.Committed.Entries().Select(static change =>
        $"{change.Number} {change.Dying} {change.Put} {string.Join(',', change.Put?.Parameters ?? new Dictionary<string, string>())}"));

    private void Write(long offsetBytes, CatalogFrameHeader header, IReadOnlyCollection<CatalogChange> changes) =>
        _regionA.Write(offsetBytes, CatalogFrame.Encode(Pool, header, changes));

    /// <summary>An entry from "number name device size".</summary>
    private static CatalogChange Entry(string text) => Entry(text, "value");

    private static CatalogChange Entry(string text, string parameter)
    {
        var parts = text.Split(' ');
        return CatalogChange.Of(new VolumeInfo
        {
            Id = new VolumeId(Pool, ulong.Parse(parts[0], null)),
            Name = parts[1],
            Kind = VolumeKind.Volume,
            ThinId = new ThinId(uint.Parse(parts[2], null)),
            SizeBytes = long.Parse(parts[3], null),
            Parameters = new Dictionary<string, string> { ["key"] = parameter },
            CreatedAt = DateTimeOffset.UnixEpoch,
        });
    }
}
