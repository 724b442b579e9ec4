using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Volumes;

public sealed class RuleTests
{
    private const long Mib = 1L << 20;
    private const long Gib = 1L << 30;

    [Theory]
    [InlineData(0, 0, 0, Gib)]
    [InlineData(1, 0, 0, Mib)]
    [InlineData(Gib, 0, 0, Gib)]
    [InlineData(Gib + 1, 0, 0, Gib + 4096)]
    [InlineData(0, 2 * Mib, 0, 2 * Mib)]
    [InlineData(0, (2 * Mib) + 5, 0, 2 * Mib)]
    [InlineData(0, 2 * Gib, 0, Gib)]
    [InlineData(Gib, Gib, 0, Gib)]
    [InlineData(0, 0, 3 * Gib, 3 * Gib)]
    [InlineData(Gib, 0, 3 * Gib, 3 * Gib)]
    [InlineData(4 * Gib, 0, 3 * Gib, 4 * Gib)]
    [InlineData(0, 4 * Gib, 3 * Gib, 3 * Gib)]
    [InlineData(SizeRules.MaximumBytes, 0, 0, SizeRules.MaximumBytes)]
    public void A_new_volume_gets_the_size(long required, long limit, long source, long expected) =>
        Assert.Equal(expected, SizeRules.ForNew("volume 'a'", required, limit, source));

    [Theory]
    [InlineData(Gib, Mib, 0, "limit_bytes is 1048576, below the required_bytes of 1073741824")]
    [InlineData(0, 4096, 0, "volume 'a' needs 1048576 bytes (that is the smallest volume), above the limit of 4096 bytes")]
    [InlineData(Gib - 1, Gib - 1, 0, "needs 1073741824 bytes (sizes are multiples of 4096), above the limit of 1073741823 bytes")]
    [InlineData(0, Gib, 2 * Gib, "volume 'a' needs 2147483648 bytes (its source has 2147483648), above the limit of 1073741824 bytes")]
    [InlineData(long.MaxValue, 0, 0, "required_bytes is 9223372036854775807, above the largest volume of 1152921504606846976 bytes")]
    public void No_size_fits_the_range(long required, long limit, long source, string message)
    {
        var refusal = Assert.Throws<VolumeException>(() => SizeRules.ForNew("volume 'a'", required, limit, source));
        Assert.Equal(VolumeError.OutOfRange, refusal.Error);
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 0, "required_bytes is -1")]
    [InlineData(0, long.MinValue, "limit_bytes is -9223372036854775808")]
    public void A_negative_size_is_an_invalid_argument(long required, long limit, string message)
    {
        var refusal = Assert.Throws<VolumeException>(() => SizeRules.ForNew("volume 'a'", required, limit, 0));
        Assert.Equal(VolumeError.InvalidArgument, refusal.Error);
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("../../etc/passwd")]
    [InlineData("/dev/null; rm -rf /")]
    [InlineData("größe 体积 🙂")]
    [InlineData(" ")]
    public void A_name_may_be_anything_that_fits_on_a_line(string name) => NameRules.Check("volume", name);

    [Theory]
    [InlineData(128)]
    [InlineData(1)]
    public void A_name_has_up_to_128_bytes(int length) => NameRules.Check("volume", new string('n', length));

    [Theory]
    [InlineData(0, "is empty; it must have 1 to 128 bytes")]
    [InlineData(129, "has 129 bytes, above the limit of 128")]
    [InlineData(100_000, "has 100000 bytes, above the limit of 128")]
    public void A_name_of_a_wrong_length_is_refused_with_the_limit(int length, string message)
    {
        var refusal = Assert.Throws<VolumeException>(() => NameRules.Check("volume", new string('n', length)));
        Assert.Equal(VolumeError.InvalidArgument, refusal.Error);
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
        Assert.True(refusal.Message.Length < 200, "a message is one short line");
    }

    [Fact]
    public void A_names_length_is_counted_in_bytes() =>
        Assert.Contains(
            "has 130 bytes",
            Assert.Throws<VolumeException>(() => NameRules.Check("volume", new string('ä', 65))).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("a\nb", "U+000A at position 1")]
    [InlineData("\0", "U+0000 at position 0")]
    [InlineData("a\u009f", "U+009F at position 1")]
    [InlineData("\u001b[31mred", "U+001B at position 0")]
    public void A_control_character_is_refused_and_not_repeated(string name, string message)
    {
        var refusal = Assert.Throws<VolumeException>(() => NameRules.Check("volume", name));
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(refusal.Message, char.IsControl);
    }

    [Theory]
    [InlineData(0xD800, "")]
    [InlineData(0xDC00, "b")]
    [InlineData(0xD83D, "b")]
    public void Half_a_character_is_refused(int half, string rest) // attributes hold no such text, so it is put together here
    {
        var refusal = Assert.Throws<VolumeException>(() => NameRules.Check("volume", "a" + (char)half + rest));
        Assert.Contains("not valid Unicode", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Pool", "'pool'")]
    [InlineData("poll", "'pool'")]
    [InlineData("fstype", "'csi.storage.k8s.io/fstype'")]
    public void An_unknown_parameter_is_refused_with_the_nearest_known_one(string key, string nearest)
    {
        var refusal = Assert.Throws<VolumeException>(
            () => ParameterRules.CheckVolume("volume 'a'", new Dictionary<string, string> { [key] = "x" }));
        Assert.Equal(VolumeError.InvalidArgument, refusal.Error);
        Assert.Equal($"volume 'a': unknown parameter '{key}'; the nearest known one is {nearest}", refusal.Message);
    }

    [Fact]
    public void What_the_sidecars_add_is_never_refused()
    {
        var added = new Dictionary<string, string>
        {
            ["csi.storage.k8s.io/pvc/name"] = "x",
            ["csi.storage.k8s.io/volumesnapshot/name"] = "y",
        };
        ParameterRules.CheckVolume("volume 'a'", added);
        ParameterRules.CheckSnapshot("snapshot 'a'", added);
    }
}
