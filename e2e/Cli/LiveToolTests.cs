using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Cli;

/// <summary>Tools on a pool while it is served and written to.</summary>
public sealed class LiveToolTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly TempDirectory _directory = new();
    private readonly Support.Program _server;

    public LiveToolTests()
    {
        Support.Program.Json("pool", "format", Pool, "--size", "1G");
        Support.Program.Json("volume", "create", Pool, "v", "--size", "512M");
        Support.Program.Json("volume", "snapshot", Pool, "v", "s");
        _server = Support.Program.Serve(
            "serve", "--endpoint", $"unix://{_directory.File("csi.sock")}", "--node-id", "node-1", "--pool", $"p={Pool}",
            "--nbd", _directory.File("nbd.sock"), "--control", Control);
    }

    private string Pool => _directory.File("pool.img");

    private string Control => $"unix://{_directory.File("control.sock")}";

    private string[] Delta => ["pool", "delta", Pool, "--thin1", "v", "--thin2", "s", "--control", Control];

    [Fact]
    public async Task A_pool_is_looked_at_while_fio_writes_to_it()
    {
        var uri = Tool.Run("nbdinfo", "--list", "--json", $"nbd+unix:///?socket={_directory.File("nbd.sock")}");
        var handle = System.Text.Json.JsonDocument.Parse(uri).RootElement.GetProperty("exports")[0].GetProperty("export-name").GetString();
        var load = Task.Run(() => Tool.Run(
            "fio", "--name=load", "--ioengine=nbd", $"--uri=nbd+unix:///{handle}?socket={_directory.File("nbd.sock")}", "--rw=randwrite",
            "--bs=64k", "--iodepth=4", "--size=512m", "--time_based", "--runtime=12", "--fsync=16", "--verify=crc32c", "--do_verify=0"));
        var looks = 0;
        while (!load.IsCompleted)
        {
            var (exitCode, output, errors) = Support.Program.Run(Delta);
            Assert.True(exitCode == 0, errors);
            Assert.EndsWith("</superblock>\n", output, StringComparison.Ordinal);
            (exitCode, output, errors) = Support.Program.Run("pool", "dump", Pool, "--control", Control);
            Assert.True(exitCode == 0, errors);
            Assert.EndsWith("</superblock>\n", output, StringComparison.Ordinal);
            (exitCode, output, errors) = Support.Program.Run("pool", "ls", Pool, "--control", Control);
            Assert.True(exitCode == 0 && output.Contains("volume    v", StringComparison.Ordinal), output + errors);
            (exitCode, output, errors) = Support.Program.Run("pool", "check", Pool, "--control", Control);
            Assert.True(exitCode == 0 && output.StartsWith("sound (as of now", StringComparison.Ordinal), output + errors);
            Assert.Contains("discarded", Support.Program.Run("pool", "trim", Pool, "--control", Control).Output, StringComparison.Ordinal);
            looks++;
        }

        await load;
        Assert.True(looks > 0);
        Assert.Equal(0, _server.Terminate().ExitCode);
        Assert.True(Support.Program.Json("pool", "check", Pool).GetProperty("sound").GetBoolean());
        Support.Program.Json("pool", "metadata", Pool, _directory.File("meta.bin"));
        Tool.Run("thin_check", _directory.File("meta.bin"));
    }

    [Fact]
    public void A_tool_that_is_killed_lets_go_of_the_metadata()
    {
        var pipe = _directory.File("pipe");
        Tool.Run("mkfifo", pipe);
        // Nobody reads the pipe, so the tool waits with the metadata in its hand.
        using (var stuck = Support.Program.Start([.. Delta, "-f", pipe]))
        {
            var end = TimeProvider.System.GetTimestamp();
            while (!Support.Program.Run(Delta).Errors.Contains("another tool holds the metadata", StringComparison.Ordinal))
                Assert.True(TimeProvider.System.GetElapsedTime(end) < Limit, "the tool never held the metadata");
            stuck.Kill();
        }

        Assert.Equal(0, Support.Program.Run(Delta).ExitCode);
        Assert.Equal(0, _server.Terminate().ExitCode);
        Assert.True(Support.Program.Json("pool", "check", Pool).GetProperty("sound").GetBoolean());
    }

    [Fact]
    public void What_changes_the_metadata_is_refused_while_it_is_served()
    {
        foreach (var arguments in (string[][])[["pool", "status", Pool], ["volume", "delete", Pool, "s"]])
        {
            var (exitCode, _, errors) = Support.Program.Run(arguments);
            Assert.Equal(1, exitCode);
            Assert.Contains("is in use", errors, StringComparison.Ordinal);
        }

        foreach (var arguments in (string[][])[["check", "--auto-repair"], ["check", "--clear-needs-check"], ["repair", "--in-place"]])
        {
            var (exitCode, _, errors) = Support.Program.Run(["pool", arguments[0], Pool, arguments[1]]);
            Assert.Equal(1, exitCode);
            Assert.Contains("nobody may serve the pool meanwhile", errors, StringComparison.Ordinal);
        }
    }

    public void Dispose()
    {
        _server.Dispose();
        _directory.Dispose();
    }
}
