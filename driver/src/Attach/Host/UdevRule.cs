using System.Text;
using CsiThin.Core.Device.Files;

namespace CsiThin.Driver.Attach.Host;

/// <summary>
/// The rule that keeps a host's udev from looking into nbd devices. What is on them is a tenant's, who may write there what he likes: a
/// file system with the UUID of the host's own, which <c>/dev/disk/by-uuid</c> would then name; a physical volume of LVM, which the host
/// would activate, and hold when the volume is to be detached; a member of an array or of a btrfs. udev's own rules (60-persistent-storage,
/// 69-lvm, 64-btrfs) ask blkid about every block device unless they are told not to, and this tells them.
/// </summary>
internal static class UdevRule
{
    /// <summary>Its file: behind those that know what a device is, before those that look what is on it.</summary>
    public const string FileName = "59-csithin.rules";

    /// <summary>What every rule that does the same has in it.</summary>
    public const string Essence = "ENV{UDEV_DISABLE_PERSISTENT_STORAGE_RULES_FLAG}=\"1\"";

    /// <summary>
    /// The rule, one line: no blkid, hence no links and neither LVM, md nor btrfs; no unit of systemd waits for it; no multipath, no
    /// udisks; and no second look whenever somebody who has written closes the device.
    /// </summary>
    public const string Text =
        $"KERNEL==\"nbd*\", {Essence}, "
        + "ENV{DM_UDEV_DISABLE_OTHER_RULES_FLAG}=\"1\", ENV{SYSTEMD_READY}=\"0\", ENV{DM_MULTIPATH_DEVICE_PATH}=\"0\", "
        + "ENV{UDISKS_IGNORE}=\"1\", OPTIONS:=\"nowatch\"";

    private const string RunDirectory = "/run/udev";

    private static readonly string[] Directories =
        ["/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"];

    /// <summary>Whether a udev that can be seen from here is running.</summary>
    public static bool IsNeeded => File.Exists($"{RunDirectory}/control");

    /// <summary>Whether there is a rule for nbd devices that does this.</summary>
    public static bool IsThere() => Directories
        .Where(Directory.Exists)
        .SelectMany(directory => Directory.EnumerateFiles(directory, "*.rules"))
        .Select(HostFiles.Read)
        .Any(text => text is not null
            && text.Contains("nbd", StringComparison.Ordinal) && text.Contains(Essence, StringComparison.Ordinal));

    /// <summary>
    /// Puts the rule where udev finds it, until the host is booted again; udev reads it by itself within seconds. Returns the file.
    /// </summary>
    public static string Install()
    {
        var path = Path.Combine(Directory.CreateDirectory($"{RunDirectory}/rules.d").FullName, FileName);
        DurableFile.Write(path, Encoding.UTF8.GetBytes($"{Text}\n"));
        return path;
    }
}
