using System.Text.Json;
using CsiThin.EndToEnd.Device;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kube;

/// <summary>Declared pools on real block devices: what is empty becomes one, what is not is left as it is, byte for byte.</summary>
public sealed class DeclaredDeviceTests : IDisposable
{
    private const int DiskBytes = 128 << 20;

    private readonly TempDirectory _directory = new();

    private string State => Path.Combine(_directory.Path, "state");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void An_empty_device_becomes_the_pool_once_and_the_engine_serves_it()
    {
        using var loop = new LoopDevice(_directory.SparseFile("disk", DiskBytes));
        var file = Declare(loop.Path);
        var planned = Single(Plan(file).Output);
        Assert.True(planned.GetProperty("isNew").GetBoolean());
        Assert.Equal(0, Occupied("disk")); // a plan writes nothing

        using (var engine = Engine(file))
        {
            var (code, _, errors) = Support.Program.Run("pool", "declare", file, "--make", "--state-dir", State);
            Assert.NotEqual(0, code);
            var refused = Single(Plan(file).Output).GetProperty("message").GetString();
            Assert.Contains($"{loop.Path} is in use: open in process", refused, StringComparison.Ordinal);
            Assert.Equal("", errors);
            Assert.Equal(0, engine.Terminate().ExitCode);
        }

        var uuid = Support.Program.Json("pool", "status", loop.Path).GetProperty("uuid").GetString();
        using (var again = Engine(file))
            Assert.Equal(uuid, again.Ready.GetProperty("pools")[0].GetProperty("uuid").GetString());
    }

    [Theory]
    [InlineData("file system", "holds an ext4 file system")]
    [InlineData("partition table", "holds a partition table (GPT)")]
    [InlineData("swap", "holds swap space")]
    [InlineData("mounted", "is in use: mounted on")]
    [InlineData("one byte", "holds unknown data (a byte that is not zero at 134217727)")]
    public void What_holds_anything_is_left_byte_for_byte(string kind, string reason)
    {
        var path = _directory.SparseFile("disk", DiskBytes);
        using var loop = new LoopDevice(path);
        var mountPoint = Path.Combine(_directory.Path, "mounted");
        switch (kind)
        {
            case "file system" or "mounted":
                Tool.Run("mkfs.ext4", "-q", loop.Path);
                break;
            case "partition table":
                Tool.Run("sh", "-c", $"echo 'label: gpt' | sfdisk -q {loop.Path}");
                break;
            case "swap":
                Tool.Run("mkswap", loop.Path);
                break;
            default:
                using (var stream = new FileStream(loop.Path, FileMode.Open, FileAccess.Write))
                {
                    stream.Position = DiskBytes - 1;
                    stream.WriteByte(1);
                }

                break;
        }

        if (kind == "mounted")
        {
            Directory.CreateDirectory(mountPoint);
            Tool.Run("mount", "-o", "ro", loop.Path, mountPoint);
        }

        try
        {
            Tool.Run("sync");
            var before = Tool.Run("sha256sum", path);
            var (code, output, _) = Support.Program.Run(
                "pool", "declare", Declare(loop.Path), "--make", "-o", "json", "--state-dir", State);
            Assert.NotEqual(0, code);
            Assert.Contains($"{loop.Path} {reason}", Single(output).GetProperty("message").GetString(), StringComparison.Ordinal);
            Tool.Run("sync");
            Assert.Equal(before, Tool.Run("sha256sum", path));
        }
        finally
        {
            if (kind == "mounted")
                Tool.Run("umount", mountPoint);
        }
    }

    [Fact]
    public void Every_device_of_this_machine_declared_at_once_is_only_looked_at()
    {
        var file = Declare("/dev/*");
        var before = Tool.Run("lsblk", "-no", "NAME,FSTYPE,PTTYPE");
        var outcome = Single(Plan(file).Output);
        var refusals = string.Join('\n', outcome.GetProperty("refusals").EnumerateArray().Select(one => one.GetString()));
        Assert.NotEqual("", refusals);
        var system = Tool.Run("findmnt", "-n", "-o", "MAJ:MIN", "/").Trim();
        if (outcome.GetProperty("path").GetString() is { } chosen)
        {
            Assert.DoesNotMatch("^/dev/(nbd|loop|ram|zram|sr|fd|dm-)", chosen);
            Assert.NotEqual(system, Tool.Run("lsblk", "-dno", "MAJ:MIN", chosen).Trim());
        }

        Assert.Equal(before, Tool.Run("lsblk", "-no", "NAME,FSTYPE,PTTYPE"));
    }

    private Support.Program Engine(string declarations) => Support.Program.Serve(
        "engine", "--pools", declarations, "--socket", Path.Combine(_directory.Path, "engine.sock"),
        "--state-dir", State);

    private (int ExitCode, string Output, string Errors) Plan(string declarations) =>
        Support.Program.Run("pool", "declare", declarations, "-o", "json", "--state-dir", State);

    private string Declare(string device)
    {
        var path = Path.Combine(_directory.Path, "pools.yaml");
        File.WriteAllText(path, $"pools: [{{name: fast, devices: {{paths: ['{device}'], minimumSize: 100Mi, maximumSize: 1Gi}}}}]");
        return path;
    }

    private long Occupied(string name) =>
        long.Parse(Tool.Run("stat", "-c", "%b", Path.Combine(_directory.Path, name)), System.Globalization.CultureInfo.InvariantCulture);

    private static JsonElement Single(string output) => JsonDocument.Parse(output).RootElement[0];
}
