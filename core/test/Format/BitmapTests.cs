using CsiThin.Core.Format;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Format;

public sealed class BitmapTests(ITestOutputHelper output)
{
    [Fact]
    public void Eleven_blocks_of_count_one_look_as_thin_restore_writes_them()
    {
        var block = new byte[BlockFormat.BlockBytes];
        for (var entry = 0; entry < 11; entry++)
            Bitmap.Set(block, entry, 1);
        Assert.Equal([0xaa, 0xaa, 0x2a, 0x00], block[16..20]);
    }

    [Fact]
    public void The_high_bit_of_a_count_comes_first()
    {
        var block = new byte[BlockFormat.BlockBytes];
        Bitmap.Set(block, 0, 2);
        Bitmap.Set(block, 5, 3);
        Assert.Equal([0b01, 0b1100], block[16..18]);
    }

    [Fact]
    public void What_is_set_is_read_and_its_neighbours_are_left_alone()
    {
        var random = TestSeed.NewRandom(output);
        var block = new byte[BlockFormat.BlockBytes];
        var expected = new int[Bitmap.Entries];
        for (var i = 0; i < 50_000; i++)
        {
            var entry = random.Next(Bitmap.Entries);
            Bitmap.Set(block, entry, expected[entry] = random.Next(4));
        }
        Assert.Equal(expected, Enumerable.Range(0, Bitmap.Entries).Select(entry => Bitmap.Get(block, entry)));
        Assert.Equal(expected.Count(static count => count == 0), Bitmap.CountFree(block));
        Assert.Equal(new byte[16], block[..16]);
    }

    [Fact]
    public void The_free_entry_found_is_the_first_that_both_bitmaps_have_free()
    {
        var random = TestSeed.NewRandom(output);
        var current = new byte[BlockFormat.BlockBytes];
        var committed = new byte[BlockFormat.BlockBytes];
        for (var entry = 0; entry < Bitmap.Entries; entry++)
        {
            Bitmap.Set(current, entry, random.Next(100) < 3 ? 0 : random.Next(1, 4));
            Bitmap.Set(committed, entry, random.Next(100) < 50 ? 0 : random.Next(1, 4));
        }
        for (var i = 0; i < 2_000; i++)
        {
            var begin = random.Next(Bitmap.Entries);
            var end = Math.Min(Bitmap.Entries, begin + random.Next(200));
            var expected = Enumerable.Range(begin, end - begin)
                .Where(entry => Bitmap.Get(current, entry) == 0 && Bitmap.Get(committed, entry) == 0).DefaultIfEmpty(-1).First();
            Assert.Equal(expected, Bitmap.FindFree(current, committed, begin, end));
        }
    }
}
