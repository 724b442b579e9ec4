using CsiThin.EndToEnd.Kernel;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Node;

/// <summary>What the README tells a newcomer to type, typed in a guest.</summary>
[Trait(GuestBuild.Trait, GuestBuild.Both)]
public sealed class WalkthroughTests : IDisposable
{
    private static readonly string s_script = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Node", "walkthrough.sh"));
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_volume_is_created_mounted_snapshotted_and_grown_by_the_commands_of_the_readme()
    {
        var disk = _directory.SparseFile("disk", 3L << 30);
        using var guest = GuestKernel.Boot(_directory, new GuestOptions { Disks = [disk], MemoryMiB = 768, Modules = GuestModules.Nbd });
        var said = guest.Run($"""
            DISK=/dev/ubda
            mkdir -p /run/csithin
            csi-thin() {'{'} {GuestProgram.Command()} "$@"; {'}'}
            {s_script}
            ! grep kubelet /proc/mounts
            """);
        Assert.Matches(@"/dev/nbd0\s+4\.0G .* /run/kubelet/pods/web/mount", said);
        Assert.Contains("\"sizeBytes\": \"1073741824\"", said, StringComparison.Ordinal);
        Assert.Contains("\"message\": \"pool 'fast' is healthy\"", said, StringComparison.Ordinal);
    }

    [Fact]
    public void The_readme_shows_these_very_commands()
    {
        var readme = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Node", "README.md"));
        foreach (var line in s_script.Split('\n').Skip(2))
            Assert.Contains(line.Length == 0 ? "" : "    " + line, readme, StringComparison.Ordinal);
    }
}
