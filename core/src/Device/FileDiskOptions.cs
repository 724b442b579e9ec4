namespace CsiThin.Core.Device;

/// <summary>How a <see cref="FileDisk"/> is opened.</summary>
public sealed record FileDiskOptions
{
    /// <summary>Nothing can be written. Several may have a file open so at a time, as long as nobody has it open for writing.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>
    /// How its queues work; anything but <see cref="DiskQueueKind.Automatic"/> is a demand that fails where it cannot be met.
    /// </summary>
    public DiskQueueKind QueueKind { get; init; }
}
