namespace CsiThin.Driver.Kube.Declared;

/// <summary>A block device: the kernel's name for it, which is one for all paths, and what the kernel says of it.</summary>
internal sealed record BlockDeviceFacts(string KernelName, long SizeBytes)
{
    /// <summary>Part of another.</summary>
    public bool IsPartition { get; init; }

    /// <summary>Cannot be written.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Part of a device above it (md, device-mapper), which shows the same bytes.</summary>
    public bool IsMember { get; init; }
}
