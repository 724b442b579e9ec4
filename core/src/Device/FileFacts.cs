namespace CsiThin.Core.Device;

/// <summary>What was found out about a file or device when it was opened; none of it changes while it is open.</summary>
internal sealed record FileFacts
{
    public required bool IsBlockDevice { get; init; }

    public required bool IsDirect { get; init; }

    public required bool IsMemoryBacked { get; init; }

    /// <summary>The number of the block device, or of the one that the file's file system is on.</summary>
    public required (uint Major, uint Minor) DeviceNumber { get; init; }

    /// <summary>512 or 4096.</summary>
    public required int AlignmentBytes { get; init; }

    /// <summary>A power of two up to <see cref="AlignmentBytes"/>; 1 where transfers go through the page cache.</summary>
    public required int MemoryAlignmentBytes { get; init; }

    public bool TakesMemoryAt(nint address) => (address & (MemoryAlignmentBytes - 1)) == 0;
}
