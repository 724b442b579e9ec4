using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Attach;

/// <summary>
/// Puts right what is amiss with devices, so that nobody has to ask:
/// <list type="number">
/// <item>what an earlier life of the engine has left is served again, before any verb;</item>
/// <item>a device whose connection has died, for whatever reason, is given a new one, and shows its volume's size;</item>
/// <item>one whose volume is gone is taken away, unless somebody uses it.</item>
/// </list>
/// <para>Concurrency: any thread; each device under its volume's lock in <paramref name="locks"/>.</para>
/// </summary>
internal sealed class DeviceMender(
    EnginePools pools,
    DeviceRegistry registry,
    DeviceConnector connector,
    KernelNbd kernel,
    KeyedLock locks,
    DeviceOptions options,
    DeviceLog log)
{
    /// <summary>
    /// Takes up and serves every device that an earlier life has left in the kernel, and forgets those the journal has and the kernel has
    /// not: the host was booted again, or the end came before the kernel saw them.
    /// </summary>
    public async Task ReplayAsync(AttachmentJournal journal)
    {
        var known = journal.Entries.ToDictionary(entry => entry.Volume);
        var mending = new List<Task>();
        foreach (var device in kernel.Sys.List())
        {
            // All at once: while the kernel is told of one device, another's connection gets its thread.
            if (device.IsConnected && BackendName.TryParse(device.Backend, out var volume))
                mending.Add(MendAsync(registry.TakeUp(volume, device, isRecorded: known.Remove(volume)), TimeSpan.Zero));
        }

        await Task.WhenAll(mending).ConfigureAwait(false);
        foreach (var volume in known.Keys)
            journal.Remove(volume);
    }

    /// <summary>
    /// Cares for one device: serves it if nothing does, or lets it go when its volume is gone and nobody uses it. What cannot be done now
    /// is said once in the log. Whose lock another holds for longer than <paramref name="lockWait"/> is left to that one.
    /// </summary>
    public async Task MendAsync(DeviceLink link, TimeSpan lockWait)
    {
        using var held = await locks.AcquireAsync(link.Backend, lockWait, CancellationToken.None).ConfigureAwait(false);
        if (held is null)
            return; // a verb is at work on it and will leave it right
        try
        {
            if (await registry.FindAsync(link.Attachment.Volume).ConfigureAwait(false) != link)
                return; // it is over
            await MendNowAsync(link).ConfigureAwait(false);
            link.LastComplaint = null;
        }
        catch (Exception failure) when (failure is VolumeException or PoolException or IOException)
        {
            if (link.LastComplaint != failure.Message)
                log.CannotServe(link, failure.Message);
            link.LastComplaint = failure.Message;
        }
    }

    /// <summary>
    /// Makes a resized volume's device, if it has one, show the new size. The kernel first waits for the requests in flight, and one that
    /// waits for space may take long: after the limit the verb is answered, and the size shown as soon as it can be.
    /// </summary>
    public async Task ShowResizedAsync(VolumeId id)
    {
        if (registry.Links.Find(id) is not { } link)
            return;
        try
        {
            await MendAsync(link, options.ResizeLimit).WaitAsync(options.ResizeLimit, options.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The care for the device goes on by itself.
        }
    }

    /// <summary>Gives a device that is not served a new connection; the caller holds the volume's lock.</summary>
    public async Task ServeAgainAsync(DeviceLink link, IEnginePool pool)
    {
        await link.EndAsync(TimeSpan.Zero, options.Time).ConfigureAwait(false);
        await connector.ReconnectAsync(link, DeviceConnector.Open(pool, link.Attachment)).ConfigureAwait(false);
        link.Reconnects++;
        log.ServedAgain(link);
    }

    private async Task MendNowAsync(DeviceLink link)
    {
        var id = link.Attachment.Volume;
        if (!pools.TryFind(id.Pool, out var pool))
            throw new VolumeException(VolumeError.PoolAbsent, $"its pool {id.Pool:N} is not open here");
        if (pool.Pool.FindVolume(id) is { } usage)
        {
            if (!link.IsServed)
                await ServeAgainAsync(link, pool.Pool).ConfigureAwait(false);
            await connector.ShowSizeAsync(link, usage.Volume.SizeBytes).ConfigureAwait(false);
            return;
        }

        var device = kernel.Sys.Find(link.Index)!;
        if (DeviceConnector.UsersOf(device) is { Count: > 0 } users)
            throw new VolumeException(VolumeError.Busy, $"its volume is gone, but it is in use: {string.Join(", ", users)}");
        await connector.DetachAsync(link, device).ConfigureAwait(false);
        registry.Forget(link);
        log.OrphanDetached(link);
    }
}
