using System.Globalization;
using System.Text;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Restore;
using Xunit;
using Xunit.Abstractions;
using static CsiThin.Core.Tests.Tools.XmlPoolText;

namespace CsiThin.Core.Tests.Tools;

/// <summary>What restore makes of good texts: sound metadata that dumps as the text.</summary>
public sealed class MetadataRestoreTests(ITestOutputHelper output)
{
    public static TheoryData<string> Texts { get; } = new(
        PoolOf(),
        PoolOf(Thin(1, 0)),
        PoolOf(Thin(1, 1, Single(0, 5))),
        PoolOf(Thin(0, 1, Single(ulong.MaxValue, 99_999, 3)), Thin((1 << 24) - 1, 2, Range(ulong.MaxValue - 1, 7, 2))),
        PoolOf(Thin(1, 252, Range(0, 0, 252))),
        PoolOf(Thin(1, 253, Range(0, 0, 253))),
        PoolOf(Thin(1, 504, Range(0, 0, 504))),
        PoolOf(Thin(1, 505, Range(10, 0, 505))),
        PoolOf(Thin(1, 63_505, Range(10, 0, 63_505))),
        PoolOf(Thin(1, 100_000, Range(10, 0, 100_000)), Thin(2, 50_000, Range(0, 0, 50_000, 1)), Thin(3, 4, Range(7, 3, 4))),
        PoolOf([.. Enumerable.Range(1, 1000).Select(static id => Thin((uint)id, 1, Single(7, 77)))]));

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_text_becomes_sound_metadata_that_dumps_as_the_text(string xml)
    {
        using var disk = Restore(xml, out var result);
        Assert.Equal(xml, Dump(disk));
        Assert.Empty(result.Warnings);
        using var pool = ThinMetadata.Open(disk, new ThinMetadataOptions());
        Assert.Equal(result.MetadataBlocks, pool.UsedMetadataBlocks);
        Assert.Equal((result.Devices, result.Mappings),
            (pool.ListThins().Count, pool.ListThins().Aggregate(0UL, static (sum, thin) => sum + thin.MappedBlocks)));
    }

    [Fact]
    public void Nodes_are_full_and_none_but_a_root_has_less_than_a_third()
    {
        using var disk = Restore(PoolOf(Thin(1, 60_000, Range(0, 0, 60_000))), out var result);
        // 60,000 mappings: 237 full leaves and the rest, evened out: 239; one root; both trees, both maps.
        Assert.InRange(result.MetadataBlocks, 239UL + 1, 239UL + 20);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(83, 0)]
    [InlineData(84, 1)]
    [InlineData(252, 1)]
    [InlineData(2_000, 8)]
    public void Named_parts_are_shared_by_the_devices_that_refer_to_them(ulong length, int sharedLeaves)
    {
        var def = Def("a", Range(1000, 100, length));
        var devices = Enumerable.Range(1, 5).Select(id => Thin((uint)id, length, Ref("a")));
        using var disk = Restore(PoolOf([def, .. devices]), out var result);
        var plain = Enumerable.Range(1, 5).Select(id =>
            Thin((uint)id, length, length == 1 ? Single(1000, 100) : Range(1000, 100, length)));
        Assert.Equal(PoolOf([.. plain]), Dump(disk));
        Assert.Equal(5 * length, result.Mappings);
        using var unshared = Restore(PoolOf([.. plain]), out var without);
        Assert.Equal(sharedLeaves == 0, result.MetadataBlocks >= without.MetadataBlocks);
    }

    [Fact]
    public void Parts_with_anything_around_them_keep_their_trees_balanced()
    {
        var random = TestSeed.NewRandom(output);
        for (var round = 0; round < 60; round++)
        {
            var (xml, expected) = RandomPool(random);
            using var disk = Restore(xml, out var result);
            Assert.Equal(expected, Dump(disk));
            Assert.Empty(result.Warnings);
        }
    }

    [Fact]
    public void A_part_that_nobody_refers_to_takes_no_blocks()
    {
        var device = Thin(1, 3, Range(0, 0, 3));
        using var with = Restore(PoolOf(Def("a", Range(0, 0, 90_000)), device), out var result);
        using var without = Restore(PoolOf(device), out var expected);
        Assert.Equal(expected.MetadataBlocks, result.MetadataBlocks);
        Assert.Equal(Dump(without), Dump(with));
    }

    [Fact]
    public void A_wrong_mapped_blocks_is_put_right_with_a_warning()
    {
        using var disk = Restore(PoolOf(Thin(9, 7, Range(0, 0, 3))), out var result);
        Assert.Contains("thin device 9 has 3 mappings, and not the 7", Assert.Single(result.Warnings), StringComparison.Ordinal);
        Assert.Equal(PoolOf(Thin(9, 3, Range(0, 0, 3))), Dump(disk));
    }

    [Fact]
    public void The_text_of_the_newer_generation_is_read()
    {
        var xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- made by hand -->\n" + PoolOf(Thin(1, 0))
            .Replace(" flags=\"0\"", "", StringComparison.Ordinal)
            .Replace(" version=\"2\"", " metadata_snap=\"17\"", StringComparison.Ordinal);
        using var disk = Restore(xml, out var result);
        Assert.Equal(PoolOf(Thin(1, 0)), Dump(disk));
        Assert.Contains("metadata snapshot", Assert.Single(result.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_take_the_place_of_what_the_text_says()
    {
        var disk = new MemoryDisk(1 << 20);
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(PoolOf(Thin(1, 1, Single(0, 5)))));
        var options = new RestoreOptions { DataBlockSectors = 256, DataBlocks = 6, TransactionId = 77 };
        Assert.Equal(1, MetadataRestore.Restore(text, disk, options, ToolRun.Quiet).Devices);
        using var pool = ThinMetadata.Open(disk, new ThinMetadataOptions());
        Assert.Equal((256u, 6UL, 77UL), (pool.DataBlockSectors, pool.DataBlocks, pool.TransactionId));
    }

    [Fact]
    public void What_random_operations_made_is_restored_and_worked_on()
    {
        var random = TestSeed.NewRandom(output);
        var disk = new MemoryDisk(16 << 20);
        ThinMetadata.Format(disk, 128, 20_000);
        using (var operations = new RandomOperations(disk, random))
        {
            for (var step = 0; step < 600; step++)
                operations.Step();
            operations.Commit();
        }
        var dump = Dump(disk);
        using var restored = Restore(dump, out _, regionBytes: 16 << 20);
        Assert.Equal(dump, Dump(restored));
        using var pool = ThinMetadata.Open(restored, new ThinMetadataOptions());
        foreach (var thin in pool.ListThins())
        {
            using var device = pool.OpenThin(thin.Id);
            pool.RemoveRange(device, new VirtualBlock(500), new VirtualBlock(1500));
            for (var block = 0UL; block < 1000 && pool.TryAllocateDataBlock(out var fresh); block += 3)
                pool.Insert(device, new VirtualBlock(block), fresh);
        }
        pool.Commit();
        Assert.Empty(MetadataChecker.Check(restored, strict: true));
    }

    [Fact]
    public void A_target_with_just_enough_blocks_does_and_one_less_is_refused_with_the_number()
    {
        var xml = PoolOf(Def("a", Range(0, 0, 1000)), Thin(1, 1010, Ref("a"), Range(2000, 2000, 10)), Thin(2, 1000, Ref("a")));
        using var roomy = Restore(xml, out var result, 1 << 20);
        var needed = (long)result.MetadataBlocks * BlockFormat.BlockBytes;
        using var exact = Restore(xml, out _, needed);
        Assert.Equal(Dump(roomy), Dump(exact));
        var small = new MemoryDisk(needed - BlockFormat.BlockBytes);
        var refused = Assert.Throws<MetadataException>(() => Restore(xml, small));
        Assert.Equal(MetadataError.NoMetadataSpace, refused.Error);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture,
            $"needs {result.MetadataBlocks} blocks of 4096 bytes, and there are {result.MetadataBlocks - 1}"), refused.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_restore_that_is_stopped_or_fails_midway_leaves_no_pool()
    {
        var xml = PoolOf([.. Enumerable.Range(1, 6000).Select(static id => Thin((uint)id, 1, Single(7, 77)))]);
        using var stop = new CancellationTokenSource();
        var passes = 0;
        var last = ulong.MaxValue;
        var run = new ToolRun(progress =>
        {
            passes += progress.Done < last ? 1 : 0;
            last = progress.Done;
            if (passes == 2)
                stop.Cancel();
        }, stop.Token);
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(xml));
        var disk = BadInputTests.Pool();
        disk.SetLength(64 << 20);
        Assert.Throws<OperationCanceledException>(() => MetadataRestore.Restore(text, disk, new RestoreOptions(), run));
        Assert.Equal(FindingKind.Superblock, Assert.Single(MetadataChecker.Check(disk)).Kind);

        var failing = new FaultDisk(new MemoryDisk(64 << 20));
        failing.Fail(DiskAccessKind.Write, 2, lasting: true);
        Assert.Equal(MetadataError.Io, Assert.Throws<MetadataException>(() => Restore(xml, failing)).Error);
    }

    /// <summary>Devices made of named parts and mappings between them, and the dump they must lead to.</summary>
    private static (string Xml, string Expected) RandomPool(Random random)
    {
        var (xml, expected) = (new StringBuilder(Superblock + "\n"), new StringBuilder(Superblock + "\n"));
        var defs = new List<(string Text, ulong Length)>();
        for (var i = 0UL; i < 12; i++)
        {
            var length = (ulong)random.Next(1, random.Next(3) == 0 ? 1500 : 300);
            var text = length == 1 ? Single(i * 10_000, i * 5_000, 1) : Range(i * 10_000, i * 5_000, length, 1);
            defs.Add((text, length));
            xml.Append(Def($"part {i}", text));
        }
        for (var id = 1u; id < 12; id++)
        {
            var (left, right, mapped) = (new StringBuilder(), new StringBuilder(), 0UL);
            for (var i = 0; i < defs.Count; i++)
            {
                if (random.Next(3) > 0)
                {
                    left.Append(Ref($"part {i}"));
                    right.Append(defs[i].Text);
                    mapped += defs[i].Length;
                }
                for (var more = random.Next(4) == 0 ? random.Next(300) : random.Next(4); more > 0; more--)
                {
                    // Every second block, so that no two join; times of 2, so that none joins a part.
                    var text = Single(((ulong)i * 10_000) + 9_998 - ((ulong)more * 2), (ulong)random.Next(100_000), 2);
                    left.Append(text);
                    right.Append(text);
                    mapped++;
                }
            }
            xml.Append(Thin(id, mapped, left.ToString()));
            expected.Append(Thin(id, mapped, right.ToString()));
        }
        return ($"{xml}</superblock>\n", $"{expected}</superblock>\n");
    }
}
