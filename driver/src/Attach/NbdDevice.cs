namespace CsiThin.Driver.Attach;

/// <summary>An NBD device as sysfs shows it at one moment.</summary>
/// <param name="Index">The N of nbdN.</param>
/// <param name="Path">The device node.</param>
/// <param name="Major">The kernel's number, as in mountinfo.</param>
/// <param name="Minor">The kernel's number, as in mountinfo.</param>
/// <param name="Backend">Who made it, null when it is not said.</param>
/// <param name="IsConnected">It has a client in the kernel; without one it is an empty shell.</param>
/// <param name="SizeBytes">As it shows it.</param>
/// <param name="BlockBytes">The logical block size.</param>
/// <param name="IsReadOnly">The kernel refuses writes.</param>
/// <param name="InFlight">Requests the kernel has given it and not had answered.</param>
internal sealed record NbdDevice(
    uint Index,
    string Path,
    uint Major,
    uint Minor,
    string? Backend,
    bool IsConnected,
    long SizeBytes,
    int BlockBytes,
    bool IsReadOnly,
    int InFlight)
{
    /// <summary>
    /// Nobody's: no client, no size, nothing in flight. A device that only looks free in one of them is being made or taken down.
    /// </summary>
    public bool IsFree => !IsConnected && SizeBytes == 0 && InFlight == 0;
}
