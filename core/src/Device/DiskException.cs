namespace CsiThin.Core.Device;

/// <summary>A disk operation failed. The message names the operation, the place and the system's reason.</summary>
public sealed class DiskException : IOException
{
    /// <summary>An error of the system, <paramref name="errno"/> (0 where there was none, as for a short device).</summary>
    public DiskException(string message, int errno, Exception? inner = null)
        : base(message, inner) => Errno = errno;

    /// <summary>The Linux error number, 0 if none applies.</summary>
    public int Errno { get; }
}
