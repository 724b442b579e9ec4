using System.Runtime.Versioning;
using CsiThin.Driver.Cli;
using CsiThin.Driver.Cli.Tools;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

[SupportedOSPlatform("linux")]
public sealed class PendingFileTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-pending-");
    private readonly Output _output = new(TextWriter.Null, TextWriter.Null, OutputFormat.Text);

    [Fact]
    public void A_result_takes_its_place_when_it_is_whole()
    {
        File.WriteAllText(At("out"), "before");
        File.SetUnixFileMode(At("out"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Write("out", text =>
        {
            text.Write("after");
            text.Flush();
            Assert.Equal("before", File.ReadAllText(At("out")));
        });
        Assert.Equal("after", File.ReadAllText(At("out")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead, File.GetUnixFileMode(At("out")));
        Write("new", text => text.Write("x"));
        Assert.Equal(["new", "out"], Names());
    }

    [Fact]
    public void A_failure_or_a_stop_leaves_what_was_there_and_nothing_else()
    {
        File.WriteAllText(At("out"), "before");
        Assert.Throws<OperationCanceledException>(() => Write("out", text =>
        {
            text.Write(new string('x', 1 << 20));
            throw new OperationCanceledException();
        }));
        Assert.Throws<CliException>(() => Write("absent", _ => throw new CliException("no")));
        Assert.Equal(["out"], Names());
        Assert.Equal("before", File.ReadAllText(At("out")));
    }

    [Fact]
    public void A_link_stays_a_link()
    {
        File.WriteAllText(At("out"), "before");
        File.CreateSymbolicLink(At("link"), At("out"));
        Write("link", text => text.Write("after"));
        Assert.NotNull(new FileInfo(At("link")).LinkTarget);
        Assert.Equal("after", File.ReadAllText(At("out")));
    }

    [Fact]
    public void What_is_no_place_for_a_result_is_refused_and_what_has_no_end_is_written_as_it_is()
    {
        File.WriteAllText(At("input"), "i");
        File.CreateSymbolicLink(At("same"), At("input"));
        Directory.CreateDirectory(At("directory"));
        foreach (var place in (string[])["input", "same", "directory", "no/file", "input/file"])
            Assert.Throws<CliException>(() => Write(place, _ => Assert.Fail("it was opened")));
        TextResult.Write(_output, "/dev/null", At("input"), text => text.Write("x"));
        Assert.Equal("i", File.ReadAllText(At("input")));
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private void Write(string name, Action<TextWriter> write) => TextResult.Write(_output, At(name), At("input"), write);

    private string At(string name) => Path.Combine(_directory.FullName, name);

    private IEnumerable<string> Names() => _directory.EnumerateFileSystemInfos().Select(entry => entry.Name).Order(StringComparer.Ordinal);
}
