using CsiThin.Core.Device;
using CsiThin.Driver.Attach.Netlink;

namespace CsiThin.Driver.Attach.Host;

/// <summary>What a look at the host goes by.</summary>
/// <param name="StateDirectory">Where the engine keeps its attachment journal.</param>
/// <param name="KubeletDirectory">Where kubelet wants its mounts; null where there is no kubelet.</param>
/// <param name="Programs">The programs that make and mount file systems, each with the package that has it.</param>
internal sealed record PreflightOptions(
    string StateDirectory, string? KubeletDirectory, IReadOnlyDictionary<string, string> Programs);

/// <summary>
/// Looks at everything a host needs before a volume can be attached and mounted on it, changes nothing, and says for each what to do. It
/// looks from where it runs: in the engine's container it finds what the engine would.
/// </summary>
internal static class Preflight
{
    private const string ModuleDirectory = "/sys/module/nbd";

    /// <summary>Every check, in the order in which one builds on the other.</summary>
    public static IReadOnlyList<HostCheck> Run(PreflightOptions options) =>
    [
        Kernel(), Module(), Family(), Administrator(), DeviceNodes(), Rules(), IoUring(), IoFlusher(), LockedMemory(),
        StateDirectory(options.StateDirectory),
        .. options.KubeletDirectory is { } kubelet ? [KubeletDirectory(kubelet)] : Array.Empty<HostCheck>(),
        .. options.Programs.OrderBy(program => program.Key, StringComparer.Ordinal).Select(program => Program(program.Key, program.Value)),
    ];

    private static HostCheck Kernel()
    {
        const string name = "kernel";
        var version = Environment.OSVersion.Version;
        return version >= KernelNbd.OldestKernel
            ? HostCheck.Ok(name, $"Linux {version}")
            : HostCheck.Missing(name, $"Linux {version}", $"run Linux {KernelNbd.OldestKernel} or later");
    }

    private static HostCheck Module()
    {
        const string name = "nbd module";
        if (!Directory.Exists(ModuleDirectory))
            return HostCheck.Missing(name, "not loaded", "run 'modprobe nbd max_part=0', and put nbd into /etc/modules-load.d");
        var partitions = HostFiles.Read(ModuleDirectory + "/parameters/max_part");
        return partitions is "0" or null
            ? HostCheck.Ok(name, "loaded, without partition scanning")
            : HostCheck.Warning(
                name,
                $"loaded with max_part={partitions}: partition tables of tenants appear as devices",
                "put 'options nbd max_part=0' into /etc/modprobe.d and load it again");
    }

    private static HostCheck Family()
    {
        const string name = "nbd netlink family";
        try
        {
            using var netlink = NbdNetlink.Open(TimeProvider.System);
            return HostCheck.Ok(name, $"reachable, number {netlink.Family.Id}");
        }
        catch (Exception failure) when (failure is NetlinkException or DiskException)
        {
            return HostCheck.Missing(name, failure.Message, KernelErrors.NoFamily);
        }
    }

    private static HostCheck Administrator()
    {
        const string name = "CAP_SYS_ADMIN";
        return ProcessControl.HasCapability(ProcessControl.CapSysAdmin)
            ? HostCheck.Ok(name, "there")
            : HostCheck.Missing(name, "not there", KernelErrors.NotPermitted);
    }

    private static HostCheck DeviceNodes()
    {
        const string name = "/dev";
        return HostFiles.MountOf("/dev") is { Type: "devtmpfs" }
            ? HostCheck.Ok(name, "the kernel's own")
            : HostCheck.Missing(name, "not the kernel's own: no new device would appear in it", "mount the host's /dev into the container");
    }

    private static HostCheck Rules()
    {
        const string name = "udev rule";
        if (!UdevRule.IsNeeded)
            return HostCheck.Ok(name, "no udev is running, or it cannot be seen from here");
        return UdevRule.IsThere()
            ? HostCheck.Ok(name, "there is one for nbd devices")
            : HostCheck.Warning(
                name,
                "none for nbd devices: LVM of the host may take hold of a tenant's volume, and its UUIDs be taken for the host's",
                $"run 'csi-thin node udev-rule >/etc/udev/rules.d/{UdevRule.FileName}' (the chart: engine.installUdevRule=true)");
    }

    private static HostCheck IoUring()
    {
        const string name = "io_uring";
        return ProcessControl.IoUringProblem() is { } problem
            ? HostCheck.Warning(name, problem, "allow it (sysctl kernel.io_uring_disabled=0, seccomp); threads do its work meanwhile")
            : HostCheck.Ok(name, "allowed");
    }

    private static HostCheck IoFlusher()
    {
        const string name = "I/O flusher";
        return ProcessControl.HasCapability(ProcessControl.CapSysResource)
            ? HostCheck.Ok(name, "CAP_SYS_RESOURCE is there")
            : HostCheck.Warning(name, "no CAP_SYS_RESOURCE: short memory may stall the volumes", "give the engine CAP_SYS_RESOURCE");
    }

    private static HostCheck LockedMemory()
    {
        const string name = "locked memory";
        return ProcessControl.HasCapability(ProcessControl.CapIpcLock)
            ? HostCheck.Ok(name, "CAP_IPC_LOCK is there")
            : HostCheck.Warning(name, "no CAP_IPC_LOCK: the engine itself may be paged out", "give the engine CAP_IPC_LOCK");
    }

    private static HostCheck StateDirectory(string path)
    {
        const string name = "state directory";
        var existing = path;
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
            existing = parent;
        return HostFiles.MountOf(Path.GetFullPath(existing)) is { Type: "overlay" } overlay && overlay.MountPoint == "/"
            ? HostCheck.Warning(
                name, $"{path} lies in a container's own layer, and goes with the container", $"mount a directory of the host at {path}")
            : HostCheck.Ok(name, path);
    }

    private static HostCheck KubeletDirectory(string path)
    {
        const string name = "kubelet directory";
        if (!Directory.Exists(path))
            return HostCheck.Missing(name, $"{path} is not there", "mount kubelet's directory of the host at the same path");
        return HostFiles.MountOf(Path.GetFullPath(path)) switch
        {
            { IsShared: true } mount => HostCheck.Ok(name, $"{path}, on the shared mount {mount.MountPoint}"),
            { } mount => HostCheck.Missing(
                name,
                $"{path} is on {mount.MountPoint}, which is not shared: kubelet and its pods would not see our mounts",
                "mount it with mountPropagation: Bidirectional; on the host itself, 'mount --make-rshared /'"),
            null => HostCheck.Warning(name, $"{path}: how its mount is shared cannot be told", "see that /proc is mounted"),
        };
    }

    private static HostCheck Program(string program, string package)
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/sbin"]);
        return directories.Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists) is { } found
            ? HostCheck.Ok(program, found)
            : HostCheck.Missing(program, "not installed", $"install {package} into the image");
    }
}
