namespace CsiThin.Core.Device;

/// <summary>How the queues of a <see cref="FileDisk"/> do their work.</summary>
public enum DiskQueueKind
{
    /// <summary>In place for disks in memory, else a ring where the kernel lets us, else threads.</summary>
    Automatic,

    /// <summary>During <see cref="IDiskQueue.Submit"/>, one after the other: the fastest where no disk has to be waited for.</summary>
    InPlace,

    /// <summary>io_uring: one system call for any number of operations, which run side by side.</summary>
    Ring,

    /// <summary>A few threads that read and write: for kernels and sandboxes that refuse io_uring.</summary>
    Threads,
}
