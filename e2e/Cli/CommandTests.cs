using CsiThin.EndToEnd.Device;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Cli;

/// <summary>Every command of the program as typed, judged by programs that are not ours.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string Pool => _directory.File("pool.img");

    [Fact]
    public void The_demo_passes_and_leaves_a_sound_pool_behind()
    {
        var report = Support.Program.Json("demo", "--dir", _directory.File("demo"));
        Assert.True(report.GetProperty("passed").GetBoolean());
        var path = report.GetProperty("poolPath").GetString()!;
        Assert.Equal(
            ["demo-volume", "demo-snapshot", "demo-clone"],
            Support.Program.Json("volume", "list", path).EnumerateArray().Select(volume => volume.GetProperty("name").GetString()));
        ThinCheck(path);
    }

    [Fact]
    public void An_exported_volume_takes_a_file_system_and_its_snapshot_keeps_it()
    {
        Support.Program.Json("pool", "format", Pool, "--size", "512M");
        Support.Program.Json("volume", "create", Pool, "v", "--size", "64M");
        var image = _directory.SparseFile("image", 64 << 20);
        Tool.Run("mkfs.ext4", "-q", "-F", "-d", "/etc/ssl", image);
        using (var export = Export("v"))
        {
            Tool.Run("nbdcopy", image, Uri(export));
            Assert.Equal(0, export.Terminate().ExitCode);
        }

        Support.Program.Json("volume", "snapshot", Pool, "v", "s");
        using (var export = Export("s"))
        {
            Assert.Equal("true", Tool.Run("nbdinfo", "--json", Uri(export)).Split("\"is_read_only\":")[1].Trim()[..4]);
            Tool.Run("nbdcopy", Uri(export), _directory.File("copy"));
            Assert.Equal(0, export.Terminate().ExitCode);
        }

        Tool.Run("e2fsck", "-fn", _directory.File("copy"));
        Tool.Run("cmp", image, _directory.File("copy"));
        ThinCheck(Pool);
    }

    [Fact]
    public void A_read_only_export_refuses_writes()
    {
        Support.Program.Json("pool", "format", Pool, "--size", "256M");
        Support.Program.Json("volume", "create", Pool, "v", "--size", "16M");
        using var export = Export("v", "--read-only");
        var (exitCode, output) = Tool.TryRun("nbdcopy", _directory.SparseFile("image", 16 << 20), Uri(export));
        Assert.True(exitCode != 0, output);
    }

    [Fact]
    public void The_dump_is_thin_dumps()
    {
        Support.Program.Json("pool", "format", Pool, "--size", "512M");
        Support.Program.Json("volume", "create", Pool, "v", "--size", "64M");
        using (var export = Export("v"))
        {
            File.WriteAllBytes(_directory.File("data"), [.. Enumerable.Range(0, 5 << 20).Select(i => (byte)(i >> 12))]);
            Tool.Run("nbdcopy", _directory.File("data"), Uri(export));
            export.Terminate();
        }

        Support.Program.Json("volume", "snapshot", Pool, "v", "s");
        var (exitCode, ours, errors) = Support.Program.Run("pool", "dump", Pool);
        Assert.True(exitCode == 0, errors);
        Assert.Equal(Tool.Run("thin_dump", ThinCheck(Pool)), ours);
    }

    [Fact]
    public void A_pool_that_is_served_is_busy_for_everybody_else()
    {
        Support.Program.Json("pool", "format", Pool, "--size", "256M");
        Support.Program.Json("volume", "create", Pool, "v", "--size", "16M");
        using var export = Export("v");
        string[][] commands = [["pool", "status", Pool], ["pool", "format", Pool, "--force"], ["volume", "delete", Pool, "v"]];
        foreach (var arguments in commands)
        {
            var (exitCode, output, errors) = Support.Program.Run(arguments);
            Assert.Equal((1, ""), (exitCode, output));
            Assert.Single(errors.TrimEnd().Split('\n'));
        }
    }

    [Fact]
    public void Who_serves_a_disk_is_named_as_it_was_started()
    {
        using var loop = new LoopDevice(_directory.SparseFile("disk", 256 << 20));
        Support.Program.Json("pool", "format", loop.Path);
        using var engine = Support.Program.Serve(
            "engine", "--pool", $"p={loop.Path}", "--socket", $"unix://{_directory.File("engine.sock")}",
            "--state-dir", _directory.File("state"));
        var (exitCode, _, errors) = Support.Program.Run("pool", "format", loop.Path, "--force");
        Assert.Equal(1, exitCode);
        Assert.Matches(@"is in use: open in process [0-9]+ \(dotnet\)", errors);
    }

    [Fact]
    public void A_call_where_nobody_listens_names_the_socket()
    {
        var socket = _directory.File("csi.sock");
        var (exitCode, _, errors) = Support.Program.Run("call", "Identity/Probe", "--endpoint", $"unix://{socket}");
        Assert.Equal(1, exitCode);
        Assert.Equal($"csi-thin: there is no socket {socket}: does the server run, and is --endpoint its own?", errors.TrimEnd());
    }

    public void Dispose() => _directory.Dispose();

    private static string Uri(Support.Program export) => export.Ready.GetProperty("uri").GetString()!;

    private Support.Program Export(string volume, params string[] options) =>
        Support.Program.Serve(["volume", "export", Pool, volume, "--socket", _directory.File("nbd.sock"), .. options]);

    /// <summary>Copies the metadata out and has it checked; returns the copy's path.</summary>
    private string ThinCheck(string pool)
    {
        var copy = _directory.File($"metadata-{Guid.NewGuid():N}");
        Support.Program.Json("pool", "metadata", pool, copy);
        Tool.Run("thin_check", copy);
        return copy;
    }
}
