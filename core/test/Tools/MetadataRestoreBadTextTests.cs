using System.Text;
using CsiThin.Core.Metadata;
using Xunit;
using static CsiThin.Core.Tests.Tools.XmlPoolText;

namespace CsiThin.Core.Tests.Tools;

/// <summary>Texts that are no pool's XML, or are hostile: a clear error with the line, and the target untouched.</summary>
public sealed class MetadataRestoreBadTextTests
{
    private const string EntityBomb = """
        <!DOCTYPE superblock [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>
        <superblock uuid="&c;"/>
        """;

    public static TheoryData<string, string[]> Texts { get; } = new()
    {
        { "", ["line", "Root element is missing"] },
        { "\0\0\0\0\0\0\0\0", ["line 1"] },
        { "not XML at all", ["line 1"] },
        { EntityBomb, ["line 1", "DTD is prohibited"] },
        { "<superblock uuid=\"\"", ["line 1"] },
        { "<pool/>", ["line 1: <pool> is not an element of a pool's XML"] },
        { "<device/>", ["line 1: <device> may not stand here"] },
        { "<superblock/>", ["line 1: <superblock> lacks time"] },
        { PoolOf("text"), ["line 1: Text is not part"] },
        { PoolOf() + PoolOf(), ["line 3"] },
        { PoolOf(PoolOf()), ["line 2: <superblock> may not stand here"] },
        { PoolOf(Single(1, 1)), ["line 2: <single_mapping> may not stand here"] },
        { PoolOf(Thin(1, 0, Thin(2, 0))), ["line 3: <device> may not stand here"] },
        { PoolOf(Def("a", Ref("a"))), ["line 3: <ref> may not stand here"] },
        { PoolOf(Thin(1, 1, "<single_mapping origin_block='1' data_block='1' time='0'><ref name='1'/></single_mapping>")), ["line 3"] },
        { PoolOf(Thin(1, 0, Ref("a"))), ["line 3", "no <def> of the name \"a\""] },
        { PoolOf(Def("a"), Def("a")), ["line 4", "two <def> of the name \"a\""] },
        { PoolOf(Thin(1, 0), Thin(1, 0)), ["line 4: thin device 1 is there twice"] },
        { PoolOf(Thin(1 << 24, 0)), ["line 2: thin device 16777216: the highest id is 16777215"] },
        { PoolOf(Thin(1, 2, Single(5, 1), Single(5, 2))), ["line 4: virtual block 5 comes behind 5"] },
        { PoolOf(Thin(1, 2, Single(5, 1), Single(4, 2))), ["line 4: virtual block 4 comes behind 5"] },
        { PoolOf(Thin(1, 8, Range(5, 1, 5), Range(9, 50, 3))), ["line 4: virtual block 9 comes behind 9"] },
        { PoolOf(Thin(1, 2, Single(ulong.MaxValue, 1), Single(0, 1))), ["line 4: virtual block 0 comes behind 18446744073709551615"] },
        { PoolOf(Thin(1, 2, Range(ulong.MaxValue, 1, 2))), ["line 3", "goes beyond the last one"] },
        { PoolOf(Thin(1, 0, Range(0, 0, 0))), ["line 3", "no length"] },
        { PoolOf(Def("a", Single(9, 9)), Thin(1, 2, Ref("a"), Ref("a"))), ["line 7: virtual block 9 comes behind 9"] },
        { PoolOf(Thin(1, 1, Single(5, 100_000))), ["line 3: virtual block 5 maps to data block 100000, beyond the 100000 there are"] },
        { PoolOf(Thin(1, 2, Range(5, 99_999, 2))), ["line 3: the 2 virtual blocks from 5 on map to data blocks from 99999 on"] },
        { PoolOf(Thin(1, 2, Range(5, 99_999, ulong.MaxValue - 10))), ["line 3", "beyond the 100000 there are"] },
        { PoolOf(Thin(1, 1, Single(5, 1, 4))), ["line 3: virtual block 5 was mapped at time 4, and it is 3"] },
        { PoolOf(Thin(1, 1, Single(5, 1, 1 << 24))), ["line 3", "time 16777216: the highest is 16777215"] },
        { PoolOf(Thin(1, 0)).Replace("p_time=\"1\"", "p_time=\"4\"", StringComparison.Ordinal), ["line 2", "at time 4, and it is 3"] },
        { PoolOf(Thin(1, 0)).Replace("creation_time=\"0\"", "creation_time=\"9\"", StringComparison.Ordinal), ["line 2", "at time 9"] },
        { PoolOf(Thin(1, 0)).Replace("snap_time", "x", StringComparison.Ordinal), ["line 2: <device> lacks snap_time"] },
        { PoolOf(Thin(1, 0)).Replace(" snap_time", " x=\"1\" snap_time", StringComparison.Ordinal), ["line 2", "attribute x"] },
        { PoolOf().Replace("\"128\"", "\"100\"", StringComparison.Ordinal), ["line 1: a data block of 100 sectors"] },
        { PoolOf().Replace("\"128\"", "\"0x80\"", StringComparison.Ordinal), ["line 1", "data_block_size=\"0x80\" is not a number"] },
        { PoolOf().Replace("\"128\"", "\"-128\"", StringComparison.Ordinal), ["line 1", "is not a number"] },
        { PoolOf().Replace("\"128\"", "\" 128\"", StringComparison.Ordinal), ["line 1", "is not a number"] },
        { PoolOf().Replace("\"5\"", "\"18446744073709551616\"", StringComparison.Ordinal), ["line 1", "is not a number of 64 bits"] },
        { PoolOf().Replace("\"3\"", "\"4294967296\"", StringComparison.Ordinal), ["line 1", "is above 4294967295"] },
        { PoolOf().Replace("100000", "1099511627776", StringComparison.Ordinal), ["line 1", "at most 1099511627775 can be mapped"] },
        { PoolOf().Replace("version=\"2\"", "version=\"3\"", StringComparison.Ordinal), ["line 1", "version 3: 1 and 2 are known"] },
        { PoolOf().Replace("flags=\"0\"", "flags=\"2\"", StringComparison.Ordinal), ["line 1", "flags 2"] },
        { PoolOf().Replace("flags=\"0\"", "flags=\"many\"", StringComparison.Ordinal), ["line 1", "flags=\"many\" is not a number"] },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_bad_text_is_refused_with_its_line_and_the_target_untouched(string xml, string[] reasons) =>
        AssertRefused(xml, MetadataError.Invalid, reasons);

    [Fact]
    public void Wherever_a_text_is_cut_it_is_refused()
    {
        var xml = PoolOf(Def("a", Range(0, 0, 100)), Thin(1, 101, Ref("a"), Single(200, 200)));
        for (var length = 0; length < xml.Length - 2; length++)
            AssertRefused(xml[..length], MetadataError.Invalid, "line");
    }

    [Fact]
    public void More_mappings_than_the_target_can_hold_are_refused_before_it_is_touched()
    {
        var billions = PoolOf(Thin(1, 0, Range(0, 0, 4_000_000_000)))
            .Replace("\"100000\"", "\"4000000000\"", StringComparison.Ordinal);
        AssertRefused(billions, MetadataError.NoMetadataSpace, "4000000000 data blocks need more than", "there are 256");
        var many = PoolOf(Thin(1, 0, Range(0, 0, 1_000_000))).Replace("\"100000\"", "\"1000000\"", StringComparison.Ordinal);
        AssertRefused(many, MetadataError.NoMetadataSpace, "needs 4056 blocks", "there are 256");
        many = many.Replace("1000000\"", "4000000\"", StringComparison.Ordinal);
        AssertRefused(many, MetadataError.NoMetadataSpace, "more than 4", "256");
    }

    [Theory]
    [InlineData("<superblock uuid=\"", 'x')]
    [InlineData("<superblock ", ' ')]
    [InlineData("<", 'x')]
    [InlineData("<!--", '-')]
    [InlineData("", ' ')]
    public void An_endless_element_ends_with_an_error_and_little_memory(string begin, char filler)
    {
        using var stream = new EndlessText(begin, filler);
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(stream, MetadataError.Invalid, "line 1");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32 << 20);
    }

    /// <summary>A gibibyte of one character, behind a beginning.</summary>
    private sealed class EndlessText(string begin, char filler) : Stream
    {
        private readonly byte[] _begin = Encoding.UTF8.GetBytes(begin);

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => 1 << 30;

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            count = (int)Math.Min(count, Length - Position);
            for (var i = 0; i < count; i++)
                buffer[offset + i] = Position + i < _begin.Length ? _begin[Position + i] : (byte)filler;
            Position += count;
            return count;
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }
    }
}
