using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Probe;
using CsiThin.Core.Device.Sockets;
using CsiThin.Core.Nbd;
using CsiThin.Driver.Attach.Netlink;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Attach;

/// <summary>
/// The steps with the kernel that make, mend and end one device. Whoever calls holds the volume's lock, and has written the journal.
/// Errors are <see cref="VolumeException"/>.
/// </summary>
internal sealed class DeviceConnector(KernelNbd kernel, NbdServer server, DeviceOptions options, Action<DeviceLink> onEnded)
{
    private static readonly TimeSpan PollTime = TimeSpan.FromMilliseconds(20);

    private readonly TimeProvider _time = options.Time;

    /// <summary>Opens a volume as its attachment has it.</summary>
    public static IBlockDevice Open(IEnginePool pool, Attachment attachment) =>
        pool.OpenDevice(attachment.Volume, attachment.ReadOnly);

    /// <summary>Makes a device of an open volume, which is taken over.</summary>
    public async Task<DeviceLink> ConnectAsync(Attachment attachment, IBlockDevice device)
    {
        var link = new DeviceLink(attachment);
        var facts = NbdFacts.Of(device);
        var isRotational = device.IsRotational;
        var spec = new NbdDeviceSpec(
            facts.LengthBytes, attachment.BlockBytes, facts.TransmissionFlags, link.Backend, options.DeadConnectionLimit);
        var what = $"attaching {attachment.Volume}";
        var (near, far) = SocketPair.Create();
        using (far)
        {
            link.Serve(server, near, device, () => onEnded(link));
            try
            {
                link.Index = await kernel.ConnectAsync(what, spec, far).ConfigureAwait(false);
            }
            catch
            {
                await link.EndAsync(TimeSpan.Zero, _time).ConfigureAwait(false);
                await DropUnansweredAsync(what, link.Backend).ConfigureAwait(false);
                throw;
            }
        }

        _ = kernel.Sys.TrySetRequestTimer(link.Index, options.RequestTimerMs);
        _ = kernel.Sys.TrySetRotational(link.Index, isRotational); // what cannot be told costs speed alone
        var path = string.Create(CultureInfo.InvariantCulture, $"/dev/nbd{link.Index}");
        if (await UntilAsync(() => File.Exists(path), options.KernelLimit).ConfigureAwait(false))
            return link;
        await kernel.DisconnectAsync(what, link.Index).ConfigureAwait(false);
        await AwaitGoneAsync(what, link).ConfigureAwait(false);
        throw new VolumeException(
            VolumeError.HostUnfit,
            $"{what}: the kernel has made {path}, but it does not appear here: mount the host's /dev into the container");
    }

    /// <summary>
    /// Gives a device whose socket is dead a new one, and serves the open volume, which is taken over, on it. The kernel reports success
    /// even where it has not yet noticed the death, and drops the socket: hence the look at our end, and the next try. The size is not yet
    /// looked at.
    /// </summary>
    public async Task ReconnectAsync(DeviceLink link, IBlockDevice device)
    {
        var what = $"reconnecting {link.Attachment.Volume}";
        var start = _time.GetTimestamp();
        try
        {
            while (!await TryReconnectAsync(what, link, device).ConfigureAwait(false))
            {
                if (_time.GetElapsedTime(start) > options.KernelLimit)
                    throw new VolumeException(VolumeError.Unavailable, $"{what}: the kernel keeps the old socket of nbd{link.Index}");
                await Task.Delay(PollTime, _time).ConfigureAwait(false);
            }
        }
        catch when (!link.IsServed)
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>Makes the kernel show the volume's size, if it does not yet.</summary>
    public async Task ShowSizeAsync(DeviceLink link, long sizeBytes)
    {
        if (kernel.Sys.Find(link.Index) is { } device && device.Backend == link.Backend && device.SizeBytes != sizeBytes)
            await kernel.ResizeAsync($"resizing {device.Path}", link.Index, link.Backend, sizeBytes, link.Attachment.BlockBytes)
                .ConfigureAwait(false);
    }

    /// <summary>
    /// Ends a device that nobody holds: claims it, so that nobody can begin to, makes what was written durable, and tells the kernel.
    /// <see cref="VolumeError.Busy"/>, naming the holders, when it is held for longer than the limit.
    /// </summary>
    public async Task DetachAsync(DeviceLink link, NbdDevice device)
    {
        var what = $"detaching {link.Attachment.Volume} ({device.Path})";
        using (var claim = await ClaimAsync(what, device).ConfigureAwait(false))
        {
            // Without a connection the flush would wait for one; and with nobody on the device there is nothing of anybody's to flush.
            if (link.IsServed)
                await FlushAsync(what, claim).ConfigureAwait(false);
            await kernel.DisconnectAsync(what, link.Index).ConfigureAwait(false);
        }

        await AwaitGoneAsync(what, link).ConfigureAwait(false);
    }

    /// <summary>Who holds a device, in words; empty when nobody does.</summary>
    public static IReadOnlyList<string> UsersOf(NbdDevice device) =>
        [.. SysBlock.Holders(device.Major, device.Minor), .. SysBlock.Openers(device.Path, Environment.ProcessId)];

    private static string Users(NbdDevice device) =>
        UsersOf(device) is { Count: > 0 } known ? string.Join(", ", known) : "by somebody who cannot be seen from here";

    private Task<bool> FlushAsync(string what, BlockDeviceClaim claim) => KernelNbd.RunAsync(
        what,
        () =>
        {
            claim.Flush();
            return true;
        },
        options.KernelLimit,
        _time);

    // The kernel keeps what it has of a device until its last user has closed it.
    private async Task AwaitGoneAsync(string what, DeviceLink link)
    {
        bool IsGone() => kernel.Sys.Find(link.Index) is not { IsConnected: true } device || device.Backend != link.Backend;
        if (!await UntilAsync(IsGone, options.KernelLimit).ConfigureAwait(false))
            throw new VolumeException(VolumeError.Unavailable, $"{what}: the kernel does not let nbd{link.Index} go");
        await link.EndAsync(options.KernelLimit, _time).ConfigureAwait(false);
    }

    private async Task<bool> TryReconnectAsync(string what, DeviceLink link, IBlockDevice device)
    {
        var (near, far) = SocketPair.Create();
        try
        {
            using (far)
                await kernel.ReconnectAsync(what, link.Index, link.Backend, far).ConfigureAwait(false);
            if (SocketPair.HasEnded(near))
                return false;
            link.Serve(server, near, device, () => onEnded(link));
            near = null;
            return true;
        }
        finally
        {
            near?.Dispose();
        }
    }

    // The claim keeps mounts and other drivers away, but not those who have simply opened the device: they are looked for.
    private async Task<BlockDeviceClaim> ClaimAsync(string what, NbdDevice device)
    {
        var start = _time.GetTimestamp();
        while (true)
        {
            var claim = await KernelNbd.RunAsync(what, () => BlockDeviceClaim.TryTake(device.Path), options.KernelLimit, _time)
                .ConfigureAwait(false);
            if (claim is not null && !SysBlock.Openers(device.Path, Environment.ProcessId).Any())
                return claim;
            claim?.Dispose();
            if (_time.GetElapsedTime(start) > options.DetachLimit)
                throw new VolumeException(VolumeError.Busy, $"{what}: it is in use: {Users(device)}");
            await Task.Delay(PollTime, _time).ConfigureAwait(false);
        }
    }

    // A request that was not answered may have been carried out all the same.
    private async Task DropUnansweredAsync(string what, string backend)
    {
        if (kernel.Sys.FindByBackend(backend) is { } leaked)
            await kernel.DisconnectAsync(what, leaked.Index).ConfigureAwait(false);
    }

    private async Task<bool> UntilAsync(Func<bool> condition, TimeSpan limit)
    {
        var start = _time.GetTimestamp();
        while (!condition())
        {
            if (_time.GetElapsedTime(start) > limit)
                return false;
            await Task.Delay(PollTime, _time).ConfigureAwait(false);
        }

        return true;
    }
}
