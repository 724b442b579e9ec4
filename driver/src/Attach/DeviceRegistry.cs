using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Attach;

/// <summary>
/// The devices there are, as the table of this process, the attachment journal and the kernel together know them: before the kernel sees a
/// device, the journal has it, durable; after the device is gone, it leaves the journal. Errors are <see cref="VolumeException"/>.
/// <para>Concurrency: whoever asks for a volume's device or changes it holds the volume's lock.</para>
/// </summary>
internal sealed class DeviceRegistry(AttachmentJournal journal, KernelNbd kernel, DeviceOptions options, DeviceLog log)
{
    /// <summary>All of them.</summary>
    public DeviceTable Links { get; } = new();

    /// <summary>
    /// The link of a volume while the kernel has its device; one that has vanished is forgotten. Whoever uses a device that was forgotten
    /// waits for ever, so where sysfs shows none (it is not readable for a moment, or hidden) the kernel itself is asked.
    /// </summary>
    public async Task<DeviceLink?> FindAsync(VolumeId id)
    {
        if (Links.Find(id) is not { } link)
            return null;
        var device = kernel.Sys.Find(link.Index);
        if (device is { IsConnected: true } && device.Backend == link.Backend)
            return link;
        if (device is not { IsConnected: true } && await kernel.IsConnectedAsync($"looking for {id}", link.Index).ConfigureAwait(false))
            throw new VolumeException(
                VolumeError.Unavailable, $"looking for {id}: the kernel says that nbd{link.Index} is connected, but /sys does not show it");
        log.Vanished(link);
        Forget(link);
        return null;
    }

    /// <summary>
    /// The same, and a device that nobody has written down is taken up: a request to the kernel whose answer came too late may have left
    /// one.
    /// </summary>
    public async Task<DeviceLink?> FindOrTakeUpAsync(VolumeId id) =>
        await FindAsync(id).ConfigureAwait(false)
        ?? (kernel.Sys.FindByBackend(BackendName.Of(id)) is { } device ? TakeUp(id, device, isRecorded: false) : null);

    /// <summary>Cares from now on for a device that the kernel has.</summary>
    public DeviceLink TakeUp(VolumeId id, NbdDevice device, bool isRecorded)
    {
        // What the kernel has counts: the journal may have been set aside.
        var attachment = new Attachment(id, device.IsReadOnly, device.BlockBytes);
        if (!isRecorded)
            Record($"taking up {device.Path}", () => journal.Add(attachment));
        var link = new DeviceLink(attachment) { Index = device.Index };
        Links.Put(link);
        return link;
    }

    /// <summary>A device is gone.</summary>
    public void Forget(DeviceLink link)
    {
        Links.Remove(link);
        Record($"detaching {link.Attachment.Volume}", () => journal.Remove(link.Attachment.Volume));
    }

    /// <summary>Writes down a device that the kernel is about to be asked for.</summary>
    public void Announce(Attachment attachment) => Record($"attaching {attachment.Volume}", () => journal.Add(attachment));

    /// <summary>
    /// The kernel has refused it, or has not answered: only what it surely does not have leaves the journal; the rest is for the next
    /// replay.
    /// </summary>
    public void Withdraw(Attachment attachment)
    {
        if (kernel.Sys.FindByBackend(BackendName.Of(attachment.Volume)) is null)
            Record($"attaching {attachment.Volume}", () => journal.Remove(attachment.Volume));
    }

    /// <summary>A device as it is told to those outside, null when the kernel has dropped it.</summary>
    public AttachedDevice? Describe(DeviceLink link)
    {
        if (kernel.Sys.Find(link.Index) is not { IsConnected: true } device || device.Backend != link.Backend)
            return null;
        return new AttachedDevice(
            link.Attachment.Volume, device.Path, device.Major, device.Minor, device.IsReadOnly, device.SizeBytes, device.BlockBytes);
    }

    private void Record(string what, Action write)
    {
        try
        {
            write();
        }
        catch (IOException failure)
        {
            throw new VolumeException(
                VolumeError.Unavailable,
                $"{what}: the attachment journal in {options.StateDirectory} cannot be written: {failure.Message}");
        }
    }
}
