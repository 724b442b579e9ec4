namespace CsiThin.EndToEnd.Kernel;

/// <summary>Kernel modules a guest loads at boot.</summary>
[Flags]
internal enum GuestModules
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The kernel's own thin-pool target, for dmsetup.</summary>
    DmThin = 1,

    /// <summary>The NBD client, without partition scanning.</summary>
    Nbd = 2,

    /// <summary>Arrays of mirrors, for mdadm.</summary>
    Md = 4,
}

/// <summary>A guest's hardware, as it were.</summary>
internal sealed record GuestOptions
{
    /// <summary>All the memory there is; .NET programs need some 100 MiB each.</summary>
    public int MemoryMiB { get; init; } = 512;

    /// <summary>Files that are the disks /dev/ubda, /dev/ubdb and so on.</summary>
    public IReadOnlyList<string> Disks { get; init; } = [];

    /// <summary>The kernel.</summary>
    public GuestBuild Build { get; init; } = GuestBuild.Chosen;

    /// <summary>Loaded before the first script runs.</summary>
    public GuestModules Modules { get; init; }
}
