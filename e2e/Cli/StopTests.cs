using System.Text.Json;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Cli;

/// <summary>Tools that are watched and stopped as people do it: on a terminal, with Ctrl-C.</summary>
public sealed class StopTests : IDisposable
{
    private const ulong Blocks = 240_000;

    private static readonly string Script = Path.Combine(AppContext.BaseDirectory, "Cli", "ctrl_c.py");

    private readonly TempDirectory _directory = new();

    [Fact]
    public void Ctrl_c_in_the_middle_ends_a_tool_with_one_line_and_its_exit_code()
    {
        Make(_directory.File("meta.bin"));
        string[] delta = ["pool", "delta", "--metadata", _directory.File("meta.bin"), "--thin1", "2", "--thin2", "1"];
        var (exitCode, whole, errors) = Support.Program.Run(delta);
        Assert.True(exitCode == 0, errors);
        Assert.Equal("", errors); // nobody looks, so there is no bar
        var pipe = _directory.File("pipe");
        var output = Tool.Run("/usr/bin/python3", [Script, pipe, "dotnet", Support.Program.Assembly, .. delta, "-f", pipe]);
        var report = JsonDocument.Parse(output).RootElement;
        var screen = report.GetProperty("screen").GetString()!;
        Assert.Equal(130, report.GetProperty("exit").GetInt32());
        Assert.Matches(@"\[#*\.*\] +\d+ %", screen);
        Assert.EndsWith("csi-thin: stopped by SIGINT; nothing of it counts", screen.Trim(), StringComparison.Ordinal);
        Assert.InRange(report.GetProperty("bytes").GetInt64(), 1, whole.Length - 1);
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>Two devices whose comparison is long: every other block differs.</summary>
    private static void Make(string path)
    {
        using var disk = FileDisk.Create(path, 64 << 20);
        ThinMetadata.Format(disk, 128, 2 * Blocks);
        using var metadata = ThinMetadata.Open(disk, new ThinMetadataOptions());
        metadata.CreateThin(new ThinId(1));
        Map(metadata, 1, step: 1);
        metadata.CreateSnapshot(new ThinId(2), new ThinId(1));
        Map(metadata, 2, step: 2);
        metadata.Commit();
    }

    private static void Map(ThinMetadata metadata, uint id, ulong step)
    {
        using var thin = metadata.OpenThin(new ThinId(id));
        for (var block = 0UL; block < Blocks; block += step)
        {
            Assert.True(metadata.TryAllocateDataBlock(out var data));
            metadata.Insert(thin, new VirtualBlock(block), data);
        }
    }
}
