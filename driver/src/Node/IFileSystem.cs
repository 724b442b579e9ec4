namespace CsiThin.Driver.Node;

/// <summary>
/// What the node has to know of one kind of file system: which programs do what, and a few fields of its superblock. Pure; others run the
/// programs. "Head" is the first 128 KiB of the device.
/// </summary>
internal interface IFileSystem
{
    /// <summary>The kernel's name of the type, which is also what <c>fs_type</c> says.</summary>
    string Name { get; }

    /// <summary>What <see cref="Core.Device.DiskProbe"/> calls it.</summary>
    string Signature { get; }

    /// <summary>Makes the file system. <paramref name="isBlank"/>: what is on the device reads as zeroes, else it is overwritten.</summary>
    ProgramCall Format(string device, bool isBlank, IReadOnlyList<string> options);

    /// <summary>Options every mount of ours has. A snapshot is mounted without a write, hence without its log.</summary>
    IReadOnlyList<string> MountOptions(bool isSnapshot);

    /// <summary>The check before a mount, null unless the file system itself asks for one.</summary>
    ProgramCall? Check(string device, ReadOnlySpan<byte> head, DateTimeOffset now);

    /// <summary>What a clone needs before it can be mounted beside its origin, null for nothing.</summary>
    ProgramCall? Separate(string device, ReadOnlySpan<byte> head);

    /// <summary>The size in bytes that the file system believes its device has; 0 when the superblock does not say.</summary>
    long SizeBytes(ReadOnlySpan<byte> head);

    /// <summary>Grows the mounted file system to the size of its device; harmless when it has it already.</summary>
    ProgramCall Grow(string device, string mountPoint);
}
