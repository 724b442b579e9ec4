using CsiThin.Core.Pool;

namespace CsiThin.Driver.Node;

/// <summary>
/// What the node has to know of one kind of file system: which programs do what, and a few fields of its superblock. Others run the
/// programs. "Head" is the first 128 KiB of the device.
/// </summary>
internal interface IFileSystem
{
    /// <summary>The kernel's name of the type, which is also what <c>fs_type</c> says.</summary>
    string Name { get; }

    /// <summary>What <see cref="Core.Device.Probe.DiskProbe"/> calls it.</summary>
    string Signature { get; }

    /// <summary>Makes the file system. <paramref name="isUnwritten"/>: all of the device reads as zeroes, else it is overwritten.</summary>
    ProgramCall Format(string device, bool isUnwritten, IReadOnlyList<string> options);

    /// <summary>Options every mount of ours has. A snapshot is mounted without a write, hence without
    /// its log: what only that holds is not seen (freeze the origin before, or make a volume from the snapshot).</summary>
    IReadOnlyList<string> MountOptions(bool isSnapshot);

    /// <summary>The check before a mount, null unless the file system itself asks for one.</summary>
    ProgramCall? Check(string device, ReadOnlySpan<byte> head, DateTimeOffset now);

    /// <summary>
    /// Makes a clone, not mounted, such that it can be mounted beside its origin. Done already: does nothing. Throws
    /// <see cref="Core.Device.DiskException"/>.
    /// </summary>
    void Separate(string device, VolumeId clone);

    /// <summary>True when the superblock proves that the file system was never mounted, so that nobody can have stored anything.</summary>
    bool WasNeverMounted(ReadOnlySpan<byte> head);

    /// <summary>Looks at all of a file system that is not mounted and writes nothing; fails when it is not consistent.</summary>
    ProgramCall Verify(string device);

    /// <summary>The size in bytes that the file system believes its device has; 0 when the superblock does not say.</summary>
    long SizeBytes(ReadOnlySpan<byte> head);

    /// <summary>Grows the mounted file system to the size of its device; harmless when it has it already.</summary>
    ProgramCall Grow(string device, string mountPoint);

    /// <summary>Makes the kernel forget a device that is about to go, null where it remembers none. May fail without harm.</summary>
    ProgramCall? Forget(string device);
}
