using CsiThin.Core.Pool;
using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CsiThin.Driver.Tests.Node;

/// <summary>What the node remembers over its own death.</summary>
public sealed class NodeStateTests : IDisposable
{
    private static readonly VolumeId s_first = new(Guid.Parse("0123456789abcdef0123456789abcdef"), 1);
    private static readonly VolumeId s_second = s_first with { Number = 2 };
    private readonly string _directory = Directory.CreateTempSubdirectory("csithin-state-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Records_are_there_again_after_a_restart()
    {
        var target = new PublishedTarget("/k/pods/a b", AccessMode.MultiWriter, true);
        Open().Change(s_first, record => record with { StagingPath = "/k/staging", FormatBegun = "xfs", Targets = [target] });
        var again = Open();
        Assert.Equal(("/k/staging", "xfs", target), (again.Of(s_first).StagingPath, again.Of(s_first).FormatBegun,
            Assert.Single(again.Of(s_first).Targets)));
        Assert.True(again.Of(s_second).IsEmpty);
        Assert.Equal(s_first, again.OtherAt("/k/staging", s_second));
        Assert.Equal(s_first, again.OtherAt("/k/pods/a b", s_second));
        Assert.Null(again.OtherAt("/k/staging", s_first));
    }

    [Fact]
    public void An_empty_record_is_no_file()
    {
        var state = Open();
        state.Change(s_first, record => record with { StagingPath = "/k/staging" });
        Assert.Single(Directory.GetFiles(_directory));
        state.Change(s_first, record => record with { StagingPath = null });
        Assert.Empty(Directory.GetFiles(_directory));
        state.Change(s_first, record => record with { StagingPath = null });
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"StagingPath\":")]
    [InlineData("[1,2]")]
    public void A_file_that_cannot_be_read_counts_as_lost(string text)
    {
        File.WriteAllText(Path.Combine(_directory, $"{s_first}.json"), text);
        File.WriteAllText(Path.Combine(_directory, $"{s_second}.json.new"), "half written");
        File.WriteAllText(Path.Combine(_directory, "stranger.json"), "{}");
        var state = Open();
        Assert.True(state.Of(s_first).IsEmpty);
        state.Change(s_first, record => record with { FormatBegun = "ext4" });
        Assert.Equal("ext4", Open().Of(s_first).FormatBegun);
    }

    [Fact]
    public void A_record_that_cannot_be_written_is_an_error_and_changes_nothing()
    {
        var state = Open();
        Directory.CreateDirectory(Path.Combine(_directory, $"{s_first}.json", "in-the-way"));
        var failure = Assert.Throws<VolumeException>(() => state.Change(s_first, record => record with { FormatBegun = "ext4" }));
        Assert.Equal(VolumeError.HostFailed, failure.Error);
        Assert.True(state.Of(s_first).IsEmpty);
    }

    private NodeState Open() => new(_directory, NullLogger.Instance);
}
