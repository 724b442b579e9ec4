using CsiThin.Core.Format;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Damage;

/// <summary>Blocks that are somewhere else than they should be, images that are cut off, and fields that lie.</summary>
public sealed class BlockDamageTests(ITestOutputHelper output)
{
    private static readonly IReadOnlyList<SoundImage> Images = SoundImage.All();

    [Fact]
    public void A_block_in_anothers_place_is_never_a_wrong_answer()
    {
        var random = TestSeed.NewRandom(output);
        var done = CaseRunner.Run(Swaps().Some(200, random), one =>
        {
            var disk = one.Image.Disk.Copy();
            Put(disk, one.To, BadInputTests.ReadBlock(disk, one.From));
            var verdict = new Verdict(one.Image, disk);
            Assert.NotEmpty(verdict.Probe.Check());
            verdict.AssertErrorOrAsBefore();
        });
        output.WriteLine($"{done} cases");
    }

    /// <summary>With its number and checksum made right: cycles, shared subtrees of the wrong kind, two blocks that say the same.</summary>
    [Fact]
    public void A_block_that_was_copied_over_another_is_an_error_or_metadata_as_good_as_any()
    {
        var random = TestSeed.NewRandom(output);
        var done = CaseRunner.Run(Swaps().Some(200, random), one =>
        {
            var disk = one.Image.Disk.Copy();
            var (from, to) = (BadInputTests.ReadBlock(disk, one.From), BadInputTests.ReadBlock(disk, one.To));
            Put(disk, one.To, Stamped(one.FromKind, one.To, from));
            if (one.IsExchange)
                Put(disk, one.From, Stamped(one.ToKind, one.From, to));
            new Verdict(one.Image, disk).AssertSoundOrTypedErrors(new Random((int)one.To));
        });
        output.WriteLine($"{done} cases");
    }

    [Fact]
    public void Wherever_an_image_is_cut_off_it_is_an_error()
    {
        var cuts = Images.Take(3).SelectMany(
            static image => Enumerable.Range(0, (int)(image.Disk.LengthBytes / 512)).Select(at => new Cut(image, at * 512L))).ToList();
        CaseRunner.Run(cuts.Some(100, TestSeed.NewRandom(output)), static one =>
        {
            var disk = one.Image.Disk.Copy();
            disk.SetLength(one.LengthBytes);
            var verdict = new Verdict(one.Image, disk);
            Assert.NotEmpty(verdict.Probe.Check());
            Assert.True(verdict.Probe.Read().IsError);
            verdict.AssertErrorOrAsBefore();
        });
    }

    /// <summary>A block that reads as zeroes, or as ones, or as another file's text.</summary>
    [Theory]
    [InlineData(0x00)]
    [InlineData(0xff)]
    [InlineData(0x20)]
    public void A_block_of_one_byte_is_never_a_wrong_answer(byte filler)
    {
        var cases = Images.SelectMany(
            static image => image.Used.Select(used => new Swap(image, used.Number, used.Kind, 0, used.Kind, false))).ToList();
        CaseRunner.Run(cases.Some(60, TestSeed.NewRandom(output)), one =>
        {
            var disk = one.Image.Disk.Copy();
            Put(disk, one.From, Enumerable.Repeat(filler, BlockFormat.BlockBytes).ToArray());
            new Verdict(one.Image, disk).AssertErrorOrAsBefore();
            Put(disk, one.From, Stamped(one.FromKind, one.From, BadInputTests.ReadBlock(disk, one.From)));
            new Verdict(one.Image, disk).AssertSoundOrTypedErrors(new Random(filler));
        });
    }

    private static List<Swap> Swaps() =>
    [
        .. from image in Images
           from source in image.Used
           from target in image.Used
           from isExchange in new[] { false, true }
           where source != target
           select new Swap(image, source.Number, source.Kind, target.Number, target.Kind, isExchange),
    ];

    private static byte[] Stamped(BlockKind kind, ulong number, byte[] block)
    {
        BlockFormat.Stamp(kind, number, block);
        return block;
    }

    private static void Put(MemoryDisk disk, ulong number, byte[] block) => disk.Write((long)number * BlockFormat.BlockBytes, block);

    private sealed record Swap(SoundImage Image, ulong From, BlockKind FromKind, ulong To, BlockKind ToKind, bool IsExchange);

    private sealed record Cut(SoundImage Image, long LengthBytes);
}
