using System.Globalization;
using CsiThin.Core.Format;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Dump;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Metadata;

/// <summary>
/// Metadata that thin_restore of each generation made, in the shapes of <see cref="GeneratedPools"/>: read here as there, and after ten
/// thousand operations of ours still good to both.
/// </summary>
public sealed class GenerationsTests(ITestOutputHelper output) : IDisposable
{
    private const int Operations = 10_000;
    private const int CommitEvery = 500, LookEvery = 2_500;

    private readonly MetadataFile _file = new(64 << 20);

    public static TheoryData<string, string> Pools()
    {
        var data = new TheoryData<string, string>();
        foreach (var version in ThinTools.All.Keys)
            foreach (var pool in GeneratedPools.All.Keys)
                data.Add(version, pool);
        return data;
    }

    [Theory]
    [MemberData(nameof(Pools))]
    public void What_thin_restore_made_is_read_alike_and_survives_ten_thousand_operations(string version, string pool)
    {
        var random = TestSeed.NewRandom(output);
        _file.Restore(GeneratedPools.All[pool](random), ThinTools.All[version]);
        AssertReadAlike(random);
        Operate(random);
        AssertReadAlike(random);
    }

    public void Dispose() => _file.Dispose();

    private void Operate(Random random)
    {
        using var operations = new RandomOperations(_file.Disk, random, maxBlock: 6000, maxThins: 12);
        operations.Model.Adopt(operations.Pool);
        for (var step = 1; step <= Operations; step++)
        {
            operations.Step();
            if (step % CommitEvery != 0)
                continue;
            operations.Pool.Commit();
            if (step % LookEvery == 0)
                ThinTools.AssertSound(_file.Path);
        }

        operations.Model.AssertEqual(operations.Pool);
        Assert.Empty(MetadataChecker.Check(_file.Disk));
    }

    private void AssertReadAlike(Random random)
    {
        Assert.Empty(MetadataChecker.Check(_file.Disk));
        ThinTools.AssertSound(_file.Path);
        var ids = MetadataListing.Read(_file.Disk, MetadataState.Committed, ToolRun.Quiet).Devices.Select(device => device.Id).ToList();
        var some = Enumerable.Range(0, ids.Count < 2 ? 0 : 3).Select(_ => (ids[random.Next(ids.Count)], ids[random.Next(ids.Count)]))
            .Where(pair => pair.Item1 != pair.Item2).ToList();
        foreach (var tools in ThinTools.All.Values)
        {
            AssertSameDump(tools);
            AssertSameListing(tools);
            AssertSameReverseMap(tools, random);
            foreach (var (left, right) in some)
                AssertSameDelta(tools, left, right);
        }
    }

    private void AssertSameDump(ThinTools tools)
    {
        using var ours = new StringWriter();
        MetadataDump.Write(_file.Disk, ours);
        var theirs = tools.Run("thin_dump", _file.Path);
        if (tools.IsFirst)
            Assert.Equal(theirs, ours.ToString());
        Assert.Equal(DumpText.Normalize(theirs), DumpText.Normalize(ours.ToString()));
    }

    private void AssertSameListing(ThinTools tools)
    {
        const string Columns = "DEV,MAPPED_BLOCKS,EXCLUSIVE_BLOCKS,SHARED_BLOCKS,TRANSACTION,CREATE_TIME,SNAP_TIME";
        var theirs = tools.Run("thin_ls", "--no-headers", "-o", Columns, _file.Path);
        var ours = MetadataListing.Read(_file.Disk, MetadataState.Committed, ToolRun.Quiet).Devices.Select(device => string.Join(
            ' ', device.Id, device.MappedBlocks, device.ExclusiveBlocks, device.SharedBlocks, device.TransactionId, device.CreationTime,
            device.SnapshottedTime));
        Assert.Equal(
            theirs.Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
                .Where(line => line.Length > 0 && char.IsAsciiDigit(line[0])),
            ours);
    }

    private void AssertSameReverseMap(ThinTools tools, Random random)
    {
        var begin = (ulong)random.Next(20_000);
        MappedBlocks.AssertSameReverseMap(
            tools,
            _file,
            [new(new DataBlock(0), new DataBlock(500)), new(new DataBlock(begin + 600), new DataBlock(begin + 3000))]);
    }

    private void AssertSameDelta(ThinTools tools, ThinId left, ThinId right)
    {
        foreach (var verbose in (bool[])[false, true])
        {
            string[] options = verbose ? ["--verbose"] : [];
            var theirs = tools.Run("thin_delta", [.. options, "--thin1", $"{left}", "--thin2", $"{right}", _file.Path]);
            using var ours = new StringWriter();
            MetadataDelta.Write(_file.Disk, left, right, new DeltaOptions { Verbose = verbose }, ours, ToolRun.Quiet);
            if (tools.IsFirst)
                Assert.Equal(theirs, ours.ToString());
            else
                Assert.Equal(JoinRanges(theirs), JoinRanges(ours.ToString()));
        }
    }

    /// <summary>
    /// The Rust one joins ranges whose virtual blocks follow each other, wherever their data are, and ends without an end of line.
    /// </summary>
    private static string JoinRanges(string delta)
    {
        var lines = new List<string>();
        foreach (var line in delta.TrimEnd('\n').Split('\n'))
        {
            if (lines.Count > 0 && TryJoin(lines[^1], line) is { } joined)
                lines[^1] = joined;
            else
                lines.Add(Parse(line) is { } range ? Write(range) : line);
        }

        return string.Join('\n', lines);
    }

    private static string? TryJoin(string first, string second)
    {
        var (left, right) = (Parse(first), Parse(second));
        if (left is not [.., var length] || right is not [.., var more] || left.Count != right.Count)
            return null;
        if (left[0].Value + length.Value != right[0].Value)
            return null;
        left[^1] = (length.Name, length.Value + more.Value);
        return Write(left);
    }

    private static string Write(List<(string Name, ulong Value)> range) =>
        $"range {string.Join(' ', range.Select(one => $"{one.Name}={one.Value}"))}";

    private static List<(string Name, ulong Value)>? Parse(string line)
    {
        var words = line.Split([' ', '<', '>', '/'], StringSplitOptions.RemoveEmptyEntries);
        return words is not ["range", ..] ? null : [.. words.Skip(1).Select(static word => word.Split('='))
            .Select(pair => (pair[0], ulong.Parse(pair[1].Trim('"'), CultureInfo.InvariantCulture)))];
    }
}
