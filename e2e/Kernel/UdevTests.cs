using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// A host's own udev, with Debian's rules, beside volumes whose tenants wrote what would catch its eye: without our rule it links and
/// announces it, with the rule it does not look.
/// </summary>
public sealed class UdevTests : IDisposable
{
    private const int VolumeBytes = 64 << 20;
    private readonly DeviceGuest _guest = new();

    /// <inheritdoc/>
    public void Dispose() => _guest.Dispose();

    [Fact]
    public void The_hosts_udev_does_not_look_into_a_tenants_volume_once_the_rule_is_there()
    {
        Assert.Contains("nothing to be done", Ours("node", "udev-rule", "--install"), StringComparison.Ordinal);
        _guest.Kernel.Run("start udevd /lib/systemd/systemd-udevd; await 60 udevadm control --ping --timeout=2; test -e /run/udev/control");
        Assert.Contains("none for nbd devices", Ours("node", "check"), StringComparison.Ordinal);
        var (files, physical) = (Attach("files"), Attach("physical"));
        var uuid = Guid.NewGuid();
        _guest.Kernel.Run($"mkfs.ext4 -q -U {uuid} {files}; mkdir -p /run/lvm; LVM_SYSTEM_DIR=/run/lvm pvcreate -qy {physical}");
        var (seenFiles, seenPhysical) = (Known(files), Known(physical));
        Assert.Contains($"ID_FS_UUID={uuid}", seenFiles, StringComparison.Ordinal); // or its absence below would mean nothing
        Assert.Contains($"/dev/disk/by-uuid/{uuid}", seenFiles, StringComparison.Ordinal);
        Assert.Contains("ID_FS_TYPE=LVM2_member", seenPhysical, StringComparison.Ordinal);

        Assert.Contains("installed: /run/udev/rules.d/59-csithin.rules", Ours("node", "udev-rule", "--install"), StringComparison.Ordinal);
        Assert.Contains("there is one for nbd devices", Ours("node", "check"), StringComparison.Ordinal);
        // udev looks for new rules by itself, when something happens and three seconds have passed.
        _guest.Kernel.Run($$"""
            ignored() { udevadm trigger --settle --action=change {{files}}; udevadm info -q property {{files}} | grep -q SYSTEMD_READY=0; }
            await 60 ignored
            """);
        foreach (var device in new[] { files, physical, Attach("new") })
        {
            var seen = Known(device);
            Assert.Contains("SYSTEMD_READY=0", seen, StringComparison.Ordinal);
            Assert.DoesNotContain("ID_FS_", seen, StringComparison.Ordinal);
            Assert.DoesNotContain("/dev/disk/", seen, StringComparison.Ordinal);
        }

        _guest.Kernel.Run($"! test -e /dev/disk/by-uuid/{uuid}");
        _guest.AssertNothingFailed();
    }

    private string Attach(string name) => _guest.Attach(_guest.CreateVolume(name, VolumeBytes));

    private string Known(string device) =>
        _guest.Kernel.Run($"udevadm trigger --settle --action=change {device}; udevadm info -q property {device}");

    // A check that finds something missing exits with 1.
    private string Ours(params string[] arguments) => _guest.Kernel.TryRun(GuestProgram.Command(arguments)).Output;
}
