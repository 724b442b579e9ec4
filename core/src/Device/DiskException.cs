namespace CsiThin.Core.Device;

/// <summary>A disk operation failed. The message names the operation, the place and the system's reason.</summary>
public sealed class DiskException : IOException
{
    /// <summary>An error of the system, <paramref name="errno"/> (0 where there was none, as for a short device).</summary>
    public DiskException(string message, int errno, Exception? inner = null)
        : base(message, inner) => Errno = errno;

    /// <summary>The Linux error number, 0 if none applies.</summary>
    public int Errno { get; }

    /// <summary>
    /// The disk is in use: mounted, held by another device, or open in another process. The message says by whom as far as is known.
    /// </summary>
    public bool IsBusy => Errno == Device.Errno.Busy;

    /// <summary>The usual sentence: <paramref name="what"/> failed, the system's reason, the number.</summary>
    internal static DiskException Of(string what, int errno) => new($"{what} failed: {Device.Errno.Text(errno)} (errno {errno})", errno);
}
