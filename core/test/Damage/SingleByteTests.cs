using CsiThin.Core.Format;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Damage;

/// <summary>
/// Each byte of each block in use changed by itself. With its old checksum it must be noticed by whoever needs the block; with a new one,
/// whoever finds nothing wrong must be right.
/// </summary>
public sealed class SingleByteTests(ITestOutputHelper output)
{
    private const int Sample = 100;

    private static readonly IReadOnlyList<SoundImage> Images = SoundImage.All();

    public static TheoryData<string> Names() => new(Images.Select(static image => image.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_changed_byte_is_never_a_wrong_answer(string name)
    {
        var image = Images.Single(one => one.Name == name);
        var random = TestSeed.NewRandom(output);
        var done = CaseRunner.Run(Cases(image, random), one =>
        {
            var disk = one.Apply(image, isStamped: false);
            var verdict = new Verdict(image, disk);
            Assert.NotEmpty(verdict.Probe.Check());
            verdict.AssertErrorOrAsBefore();
        });
        output.WriteLine($"{done} cases");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_changed_byte_under_a_good_checksum_is_an_error_or_metadata_as_good_as_any(string name)
    {
        var image = Images.Single(one => one.Name == name);
        var random = TestSeed.NewRandom(output);
        var sound = 0;
        var done = CaseRunner.Run(Cases(image, random), one =>
            sound += new Verdict(image, one.Apply(image, isStamped: true)).AssertSoundOrTypedErrors(new Random(one.Offset)) ? 1 : 0);
        output.WriteLine($"{done} cases, {sound} of them sound");
    }

    /// <summary>Whatever bit of whatever byte it is, the checksum of every kind of block tells.</summary>
    [Fact]
    public void No_changed_bit_gets_past_a_checksum()
    {
        foreach (var image in Images)
            foreach (var (number, kind) in image.Used.DistinctBy(static used => used.Kind))
            {
                var block = BadInputTests.ReadBlock(image.Disk, number);
                for (var bit = 0; bit < 8 * block.Length; bit++)
                {
                    block[bit / 8] ^= (byte)(1 << (bit % 8));
                    Assert.NotNull(BlockFormat.Check(kind, number, block));
                    block[bit / 8] ^= (byte)(1 << (bit % 8));
                }
            }
    }

    /// <summary>Every byte of the smallest image when all effort is asked for; of the others a sample.</summary>
    private static IEnumerable<ByteCase> Cases(SoundImage image, Random random) => Effort.IsAll && image == Images[0]
        ? ByteCase.Of(image, random)
        : ByteCase.Of(image, random).Some(Sample, random);

    /// <summary>One byte of a block, and what it is changed by.</summary>
    private readonly record struct ByteCase(string Image, ulong Block, BlockKind Kind, int Offset, byte Mask)
    {
        /// <summary>Every byte: one bit of it or several.</summary>
        public static List<ByteCase> Of(SoundImage image, Random random) =>
        [
            .. from used in image.Used
               from offset in Enumerable.Range(0, BlockFormat.BlockBytes)
               let mask = random.Next(2) == 0 ? 1 << random.Next(8) : random.Next(1, 256)
               select new ByteCase(image.Name, used.Number, used.Kind, offset, (byte)mask),
        ];

        public MemoryDisk Apply(SoundImage image, bool isStamped)
        {
            var disk = image.Disk.Copy();
            var block = BadInputTests.ReadBlock(disk, Block);
            block[Offset] ^= Mask;
            if (isStamped)
                BlockFormat.Stamp(Kind, Block, block);
            disk.Write((long)Block * BlockFormat.BlockBytes, block);
            return disk;
        }
    }
}
