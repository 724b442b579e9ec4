using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Attach;

/// <summary>What is said about devices.</summary>
internal sealed partial class DeviceLog(ILoggerFactory logs)
{
    private readonly ILogger _log = logs.CreateLogger("CsiThin.Devices");

    /// <summary>The journal was damaged.</summary>
    public void JournalSetAside(string path) => LogJournalSetAside(_log, path);

    /// <summary>A device of an earlier life, or one whose connection has died, is served again.</summary>
    public void ServedAgain(DeviceLink link) => LogServedAgain(_log, link.Index, link.Attachment.Volume.ToString());

    /// <summary>A device cannot be served, or looked after, for now.</summary>
    public void CannotServe(DeviceLink link, string reason)
    {
        if (link.IsServed)
            LogCannotCare(_log, link.Index, link.Attachment.Volume.ToString(), reason);
        else
            LogCannotServe(_log, link.Index, link.Attachment.Volume.ToString(), reason);
    }

    /// <summary>A device without a volume, and without a user, was taken away.</summary>
    public void OrphanDetached(DeviceLink link) => LogOrphanDetached(_log, link.Index, link.Attachment.Volume.ToString());

    /// <summary>The kernel no longer has a device: somebody else disconnected it.</summary>
    public void Vanished(DeviceLink link) => LogVanished(_log, link.Index, link.Attachment.Volume.ToString());

    /// <summary>A defect.</summary>
    public void WatchFailed(DeviceLink link, Exception defect) => LogWatchFailed(_log, defect, link.Index);

    [LoggerMessage(1, LogLevel.Error, "The attachment journal was damaged: it is set aside as {Path}; the kernel's devices are taken up")]
    private static partial void LogJournalSetAside(ILogger logger, string path);

    [LoggerMessage(2, LogLevel.Information, "Device nbd{Index} of volume {Volume} is served again")]
    private static partial void LogServedAgain(ILogger logger, uint index, string volume);

    [LoggerMessage(3, LogLevel.Error, "Device nbd{Index} of volume {Volume} is not served, what uses it waits: {Reason}")]
    private static partial void LogCannotServe(ILogger logger, uint index, string volume, string reason);

    [LoggerMessage(4, LogLevel.Warning, "Device nbd{Index} had no user and its volume {Volume} is gone: detached")]
    private static partial void LogOrphanDetached(ILogger logger, uint index, string volume);

    [LoggerMessage(5, LogLevel.Warning, "Device nbd{Index} of volume {Volume} has vanished from the kernel: somebody disconnected it")]
    private static partial void LogVanished(ILogger logger, uint index, string volume);

    [LoggerMessage(7, LogLevel.Error, "Device nbd{Index} of volume {Volume} is served, but cannot be looked after: {Reason}")]
    private static partial void LogCannotCare(ILogger logger, uint index, string volume, string reason);

    [LoggerMessage(6, LogLevel.Error, "Looking after device nbd{Index} failed")]
    private static partial void LogWatchFailed(ILogger logger, Exception exception, uint index);
}
