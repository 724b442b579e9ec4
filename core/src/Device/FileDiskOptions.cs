namespace CsiThin.Core.Device;

/// <summary>How a <see cref="FileDisk"/> is opened.</summary>
public sealed record FileDiskOptions
{
    /// <summary>Nothing can be written. Several may have a file open so at a time, as long as nobody has it open for writing.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>
    /// Looks at a disk that may belong to somebody else: takes no ownership, waits for nobody and keeps nobody out. Only read-only. What is
    /// read may change at any moment, except what its owner has promised to leave alone.
    /// </summary>
    public bool Observe { get; init; }

    /// <summary>
    /// How its queues work; anything but <see cref="DiskQueueKind.Automatic"/> is a demand that fails where it cannot be met.
    /// </summary>
    public DiskQueueKind QueueKind { get; init; }
}
