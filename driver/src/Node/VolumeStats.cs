using CsiThin.Core.Device.Files;

namespace CsiThin.Driver.Node;

/// <summary>How full a volume is and whether it can be relied on.</summary>
internal sealed record VolumeStats
{
    /// <summary>Of a file system; null for a device, and for a file system that gives no answer.</summary>
    public FileSystemUsage? FileSystem { get; init; }

    /// <summary>The size of a device in bytes; 0 for a file system.</summary>
    public long DeviceBytes { get; init; }

    /// <summary>What a device occupies in its pool, in bytes.</summary>
    public long MappedBytes { get; init; }

    /// <summary>Something is wrong with the volume.</summary>
    public required bool IsAbnormal { get; init; }

    /// <summary>What is wrong, or that nothing is.</summary>
    public required string Condition { get; init; }

    /// <summary>The same with one more thing that is wrong.</summary>
    public VolumeStats Worse(string complaint) =>
        this with { IsAbnormal = true, Condition = IsAbnormal ? $"{Condition}; {complaint}" : complaint };
}
