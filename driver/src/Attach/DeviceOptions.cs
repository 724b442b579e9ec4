using CsiThin.Core.Nbd;

namespace CsiThin.Driver.Attach;

/// <summary>How devices are kept.</summary>
internal sealed record DeviceOptions
{
    /// <summary>Where the attachment journal lies unless said otherwise.</summary>
    public const string DefaultStateDirectory = "/var/lib/csithin";

    /// <summary>Where the attachment journal lies: on a disk of this host that outlives the engine's container.</summary>
    public string StateDirectory { get; init; } = DefaultStateDirectory;

    /// <summary>
    /// How long the kernel keeps requests when the engine is away, before it fails them and mounted file systems turn read-only. Long: an
    /// engine that is away can come back, a failed write cannot.
    /// </summary>
    public TimeSpan DeadConnectionLimit { get; init; } = TimeSpan.FromDays(1);

    /// <summary>
    /// How often the kernel looks at a request that has had no answer. With one socket and no time limit it never gives the socket up; it
    /// only sends the request again where the socket has been replaced, which is what ends the pause after the engine's death.
    /// </summary>
    public int RequestTimerMs { get; init; } = 1000;

    /// <summary>How long a detachment waits for whoever holds the device.</summary>
    public TimeSpan DetachLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long the kernel may take to make a device, to let one go, or to notice that its socket is dead.</summary>
    public TimeSpan KernelLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long the resizing of a volume waits for its device to show the new size.</summary>
    public TimeSpan ResizeLimit { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the reading of a volume's first and last MiB may take.</summary>
    public TimeSpan InspectLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often every device is looked at, beside being told of a dead socket at once.</summary>
    public TimeSpan WatchInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Where the devices' traffic is counted; null for nowhere that anybody sees.</summary>
    public NbdTraffic? Traffic { get; init; }

    /// <summary>The clock of all limits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
