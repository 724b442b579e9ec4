using Grpc.Core;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

public sealed class MetadataTests
{
    [Theory]
    [InlineData("a b")]
    [InlineData("a:b")]
    [InlineData("ä")]
    [InlineData("a\n")]
    public void Keys_outside_the_allowed_characters_are_refused(string key) =>
        Assert.Throws<ArgumentException>(() => new Metadata.Entry(key, "value"));

    [Fact]
    public void Text_and_bytes_do_not_mix()
    {
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("a-bin", "text"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("a", [1]));
    }

    [Fact]
    public void Keys_are_found_in_any_case_and_the_last_one_counts()
    {
        var metadata = new Metadata { { "Key", "1" }, { "other", "2" }, { "KEY", "3" } };

        Assert.Equal("3", metadata.GetValue("kEy"));
        Assert.Equal(["1", "3"], metadata.GetAll("key").Select(e => e.Value));
        Assert.Null(metadata.GetValue("none"));
    }

    [Fact]
    public void An_entrys_bytes_are_its_own()
    {
        var bytes = new byte[] { 1 };
        var entry = new Metadata.Entry("a-bin", bytes);
        bytes[0] = 2;
        entry.ValueBytes[0] = 3;

        Assert.Equal([1], entry.ValueBytes);
    }

    [Fact]
    public void The_empty_metadata_stays_empty() => Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("a", "b"));
}
