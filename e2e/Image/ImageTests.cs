using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using CsiThin.Driver.Tests.Router;
using CsiThin.EndToEnd.Csi;
using CsiThin.EndToEnd.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Image;

/// <summary>Issue 5, part 7: every step of the Dockerfile is run, and what it makes starts, is healthy and serves CSI.</summary>
public sealed partial class ImageTests(BuiltImage image, ITestOutputHelper output) : IClassFixture<BuiltImage>, IDisposable
{
    // What no reader would call small any more; today it is 284 MiB unpacked, the most of it Debian and the runtime.
    private const long SizeBytesMax = 340L << 20;
    private const string Nobody = "65532:65532";
    private const int Arm64 = 0xB7; // e_machine of ELF for AArch64
    private const int ElfMachineOffset = 18;

    private static readonly object[] Mount = [new { mount = new { fs_type = "ext4" }, access_mode = new { mode = "SINGLE_NODE_WRITER" } }];

    private readonly TempDirectory _directory = new();

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();

    [Fact]
    public void It_says_what_it_is_runs_as_nobody_and_is_small()
    {
        var config = image.Config();
        Assert.Equal("65532:65532", config.GetProperty("User").GetString());
        Assert.Equal("/usr/bin/csi-thin", config.GetProperty("Entrypoint")[0].GetString());
        var labels = config.GetProperty("Labels");
        Assert.Equal(BuiltImage.Version, labels.GetProperty("org.opencontainers.image.version").GetString());
        Assert.Equal("Apache-2.0", labels.GetProperty("org.opencontainers.image.licenses").GetString());
        Assert.Matches(
            "^([0-9a-f]{40}|unknown)$", labels.GetProperty("org.opencontainers.image.revision").GetString());

        using var version = image.Start(image.Container(), Nobody, _directory.Path, "--version");
        Assert.Equal($"{BuiltImage.Version}", version.StandardOutput.ReadToEnd().Trim().Split('+')[0]);

        var bytes = Directory.EnumerateFiles(
            image.Buildah("mount", image.Container()),
            "*",
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Device })
            .Sum(path => new FileInfo(path).Length);
        output.WriteLine($"{bytes >> 20} MiB unpacked");
        Assert.InRange(bytes, 1, SizeBytesMax);
    }

    [Fact]
    public void It_has_every_program_that_a_node_calls()
    {
        using var check = image.Start(image.Container(), "0:0", _directory.Path, "node", "check", "-o", "json");
        var checks = JsonDocument.Parse(check.StandardOutput.ReadToEnd()).RootElement.EnumerateArray().ToList();
        Assert.Contains(checks, one => one.GetProperty("name").GetString() == "mkfs.btrfs");
        Assert.DoesNotContain(checks, one => (one.GetProperty("remedy").GetString() ?? "").Contains("install", StringComparison.Ordinal));
    }

    [Fact]
    public void Its_programs_find_their_libraries_make_file_systems_and_bring_no_interpreter()
    {
        const string script = """
            export PATH=$PATH:/usr/sbin:/sbin
            truncate -s 320M /tmp/disk
            mkfs.ext4 -q /tmp/disk; truncate -s 400M /tmp/disk; resize2fs /tmp/disk; e2fsck -fn /tmp/disk
            mkfs.xfs -q -f /tmp/disk; xfs_repair -n /tmp/disk; xfs_growfs -V
            mkfs.btrfs -q -f /tmp/disk; btrfs check /tmp/disk
            mount --version; umount --version; modprobe --version
            ! command -v python3
            """;
        // To a file, because buildah has lost the end of what a program printed.
        var said = _directory.File("said");
        image.Buildah(
            "run", "--user", "0:0", "--volume", $"{_directory.Path}:{_directory.Path}", image.Container(), "--", "sh", "-ec",
            $"exec >{said}\n{script}");
        Assert.Contains("kmod version", File.ReadAllText(said), StringComparison.Ordinal);
    }

    [Fact]
    public void It_starts_is_healthy_serves_csi_and_writes_nothing_into_itself()
    {
        var container = image.Container();
        var root = image.Buildah("mount", container);
        var before = DateTime.UtcNow;
        using var serve = image.Start(
            container, "0:0", _directory.Path, "serve", "--endpoint", $"unix://{_directory.File("csi.sock")}",
            "--pool", $"fast={_directory.File("pool")},size=256M", "--state-dir", _directory.File("state"),
            "--control", $"unix://{_directory.File("control.sock")}", "--node-id", "n", "--metrics", "127.0.0.1:0", "-o", "json");
        try
        {
            var metrics = ReadMetricsAddress(serve);
            Assert.Contains("ok", Tool.Run("curl", "-sSf", $"http://{metrics}/healthz"), StringComparison.OrdinalIgnoreCase);
            using var csi = new PythonClient(_directory, _directory.File("csi.sock"));
            Assert.True(csi.Ok("Identity/Probe", new { }).GetProperty("ready").GetBoolean());
            Assert.Equal(
                BuiltImage.Version,
                csi.Ok("Identity/GetPluginInfo", new { }).GetProperty("vendorVersion").GetString()!.Split('+')[0]);
            var volume = csi.Ok("Controller/CreateVolume", new { name = "a", volume_capabilities = Mount }).GetProperty("volume");
            csi.Ok("Controller/CreateSnapshot", new { name = "s", source_volume_id = volume.GetProperty("volumeId").GetString() });
        }
        finally
        {
            Stop(serve);
        }

        var changed = Directory.EnumerateFiles(
            root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
            .Where(path => File.GetLastWriteTimeUtc(path) >= before && !IsBuildahs(path[root.Length..]));
        Assert.Empty(changed);
    }

    [Fact]
    public void The_controller_runs_in_it_as_nobody()
    {
        using var certificates = new TestCertificates();
        var tls = _directory.File("tls");
        Tool.Run("cp", "-r", certificates.IssueForController(), tls);
        Tool.Run("chown", "-R", Nobody, _directory.Path);
        using var controller = image.Start(
            image.Container(), Nobody, _directory.Path, "controller", "--endpoint", $"unix://{_directory.File("csi.sock")}",
            "--tls-dir", tls, "--node", "worker-1=127.0.0.1:1", "--metrics", "127.0.0.1:0", "-o", "json");
        try
        {
            _ = ReadMetricsAddress(controller);
            using var csi = new PythonClient(_directory, _directory.File("csi.sock"));
            Assert.Equal("thin.csithin.io", csi.Ok("Identity/GetPluginInfo", new { }).GetProperty("name").GetString());
        }
        finally
        {
            Stop(controller);
        }
    }

    [Fact]
    public void The_other_architecture_is_compiled_for_it()
    {
        var root = image.Buildah("mount", image.Container("localhost/csi-thin-arm64"));
        using var program = File.OpenRead(Path.Combine(root, "out", "csi-thin"));
        var header = new byte[64];
        program.ReadExactly(header);
        Assert.Equal("ELF", System.Text.Encoding.ASCII.GetString(header, 1, 3));
        Assert.Equal(Arm64, BitConverter.ToUInt16(header, ElfMachineOffset));
    }

    // buildah itself puts these three into a container that runs.
    private static bool IsBuildahs(string path) =>
        path is "/etc/hosts" or "/etc/resolv.conf" or "/etc/hostname" || path.StartsWith("/run/", StringComparison.Ordinal);

    private static string ReadMetricsAddress(Process process)
    {
        var said = "";
        while (process.StandardOutput.ReadLine() is { } line)
        {
            said += line;
            if (line == "}")
                break;
        }

        var address = MetricsAddress().Match(said);
        Assert.True(address.Success, $"it did not get ready: {said} {(process.HasExited ? process.StandardError.ReadToEnd() : "")}");
        return address.Value;
    }

    /// <summary>The program ends as an init system would end it; buildah ends after it.</summary>
    private static void Stop(Process buildah)
    {
        var children = Tool.TryRun("pgrep", "-P", buildah.Id.ToString(CultureInfo.InvariantCulture)).Output;
        foreach (var child in children.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            StopTree(child);
        if (!buildah.WaitForExit(TimeSpan.FromSeconds(30)))
            buildah.Kill(entireProcessTree: true);
    }

    private static void StopTree(string process)
    {
        var children = Tool.TryRun("pgrep", "-P", process).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (var child in children)
            StopTree(child);
        if (children.Length == 0)
            Tool.TryRun("kill", "-TERM", process);
    }

    [GeneratedRegex(@"127\.0\.0\.1:[1-9][0-9]*")]
    private static partial Regex MetricsAddress();
}
