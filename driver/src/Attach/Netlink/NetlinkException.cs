namespace CsiThin.Driver.Attach.Netlink;

/// <summary>The kernel refused a request, or did not answer it.</summary>
internal sealed class NetlinkException : Exception
{
    private NetlinkException(string message, int errno)
        : base(message) => Errno = errno;

    /// <summary>Why, as an errno; 0 when no answer came in time.</summary>
    public int Errno { get; }

    /// <summary>Whether the kernel did it or not is not known: no answer came in time.</summary>
    public bool IsTimeout => Errno == 0;

    /// <summary>A refusal, with the kernel's own sentence if it gave one.</summary>
    public static NetlinkException Refused(int errno, string? sentence) =>
        new(string.IsNullOrEmpty(sentence) ? Core.Device.Errno.Text(errno) : $"{sentence} ({Core.Device.Errno.Text(errno)})", errno);

    /// <summary>No answer in time.</summary>
    public static NetlinkException TimedOut(TimeSpan limit) => new($"the kernel did not answer within {limit.TotalSeconds:0.#} s", 0);
}
