using CsiThin.Core.Device;
using CsiThin.Driver.Attach.Netlink;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Attach;

/// <summary>
/// The one place where what the kernel says about NBD becomes what a caller is told, with the remedy where a host lacks something.
/// </summary>
internal static class KernelErrors
{
    /// <summary>What is wrong with this host when the kernel has no family 'nbd' for us.</summary>
    public static string NoFamily => Directory.Exists("/sys/module/nbd")
        ? "the kernel's nbd module is loaded, but its netlink family is not visible here: run the engine in the host's network namespace " +
            "(hostNetwork: true), or on Linux 6.4 or later"
        : "the kernel has no nbd module loaded: run 'modprobe nbd max_part=0' on this host";

    /// <summary>What is wrong when the kernel says that it is not permitted.</summary>
    public const string NotPermitted =
        "the engine lacks CAP_SYS_ADMIN in the host's user namespace: run it as root, in a privileged container";

    /// <summary>This kernel cannot say which device is whose.</summary>
    public static VolumeException TooOld() => new(
        VolumeError.HostUnfit,
        $"this host's Linux {Environment.OSVersion.Version} is too old for NBD devices: Linux {KernelNbd.OldestKernel} or later is needed");

    /// <summary>The refusal of <paramref name="what"/> ("attaching volume 'x'").</summary>
    public static VolumeException Translate(string what, Exception failure) => failure switch
    {
        VolumeException known => known,
        NetlinkException { IsTimeout: true } => new VolumeException(VolumeError.Unavailable, $"{what}: {failure.Message}"),
        _ when Lacking(failure) is { } lacking => new VolumeException(VolumeError.HostUnfit, $"{what}: {lacking}"),
        NetlinkException { Errno: Errno.NoSpace } => new VolumeException(
            VolumeError.HostUnfit, $"{what}: the kernel has no number left for one more NBD device; detach volumes that are not needed"),
        NetlinkException => new VolumeException(VolumeError.Unavailable, $"{what}: the kernel refuses: {failure.Message}"),
        _ => new VolumeException(VolumeError.Unavailable, $"{what}: {failure.Message}"),
    };

    /// <summary>What a host lacks where no device can be had at all, with the remedy where there is one.</summary>
    public static string Remedy(Exception failure) => Lacking(failure) ?? failure.Message;

    private static string? Lacking(Exception failure) => failure switch
    {
        NetlinkException { Errno: Errno.NoSuchFile } => NoFamily,
        NetlinkException { Errno: Errno.NotPermitted } or DiskException { Errno: Errno.NotPermitted } => NotPermitted,
        _ => null,
    };
}
