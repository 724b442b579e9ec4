using CsiThin.Core.Device;
using CsiThin.Core.Nbd;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Attach;

/// <summary>
/// The volumes of this process's pools as block devices of this node's kernel.
/// <list type="number">
/// <item>Before the kernel sees a device, the journal has it, durable; after the device is gone, it leaves the journal.</item>
/// <item>Starting is replaying: every device that an earlier life left is served again before <see cref="StartAsync"/> returns, and so
/// before anybody can ask a verb. A write the kernel sends twice therefore lands before any snapshot is taken.</item>
/// <item>A device whose connection has died, for whatever reason, is given a new one; nobody has to ask.</item>
/// <item>A device that is in use is never taken away: not when its volume is gone, not when nobody knows it, not at the end of this
/// process.</item>
/// </list>
/// <para>
/// Concurrency: <c>_locks</c> has one lock for each volume, held for the whole of a verb or of the watchdog's care for it; <c>_links</c>
/// guards itself and is changed by the lock's holder alone.
/// </para>
/// </summary>
internal sealed class DeviceManager : INodeEngine, IAsyncDisposable
{
    private static readonly TimeSpan LockWait = TimeSpan.FromSeconds(20);

    private readonly EnginePools _pools;
    private readonly DeviceOptions _options;
    private readonly DeviceLog _log;
    private readonly AttachmentJournal _journal;
    private readonly NbdServer _server;
    private readonly KernelNbd _kernel;
    private readonly DeviceConnector _connector;
    private readonly DeviceTable _links = new();
    private readonly KeyedLock _locks = new();
    private readonly DeviceWatchdog _watchdog;
    private readonly DeviceMeter _meter;

    private DeviceManager(EnginePools pools, DeviceOptions options, ILoggerFactory logs, NbdLog? nbdLog)
    {
        (_pools, _options, _log) = (pools, options, new DeviceLog(logs));
        _journal = AttachmentJournal.Open(options.StateDirectory);
        _kernel = new KernelNbd(new SysNbd(), options.KernelLimit, options.Time);
        _server = new NbdServer(socketPath: null, new VolumeExports(pools), new NbdServerOptions
        {
            MaxConnections = int.MaxValue,
            MaxPayloadBytes = 32 << 20, // the least; the kernel has at most 128 requests in flight, few of them large
            Traffic = options.Traffic,
            Log = nbdLog,
            TimeProvider = options.Time,
        });
        _watchdog = new DeviceWatchdog(_links, options, link => MendAsync(link, TimeSpan.Zero), _log);
        _meter = new DeviceMeter(pools, _links);
        _connector = new DeviceConnector(_kernel, _server, options, _ => _watchdog.Wake());
    }

    /// <summary>
    /// Serves every device that an earlier life of this engine has left in the kernel, and then watches over them. A device that cannot be
    /// served now is said so in the log and tried again. <see cref="VolumeError.Busy"/> when another engine has the state directory,
    /// <see cref="IOException"/> when it cannot be read or written.
    /// </summary>
    public static async Task<DeviceManager> StartAsync(EnginePools pools, DeviceOptions options, ILoggerFactory logs, NbdLog? nbdLog = null)
    {
        var manager = new DeviceManager(pools, options, logs, nbdLog);
        try
        {
            if (manager._journal.SetAsidePath is { } aside)
                manager._log.JournalSetAside(aside);
            foreach (var pool in pools.All)
                pool.Pool.Resized = manager.ShowResizedAsync;
            pools.Added = manager.TakeUp;
            await manager.ReplayAsync().ConfigureAwait(false);
            manager._watchdog.Start(manager._kernel.TryFindFamily());
            return manager;
        }
        catch
        {
            await manager.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Why this host can have no devices at this moment, with the remedy, or null. The verbs find out anew each time.
    /// </summary>
    public string? HostProblem => _kernel.TryFindFamily() is null ? KernelErrors.NoFamily : null;

    /// <inheritdoc/>
    public async Task<AttachedDevice> AttachAsync(VolumeId id, AttachRequest request, CancellationToken cancellation)
    {
        using var held = await HoldAsync(id, cancellation).ConfigureAwait(false);
        var (pool, volume) = Require(id);
        var wanted = new Attachment(id, request.ReadOnly || volume.Kind == VolumeKind.Snapshot, request.BlockBytes);
        AttachRules.Check(volume, wanted);
        if (LinkOrLeftover(id) is { } link)
        {
            AttachRules.CheckSame(volume, link.Attachment, wanted);
            if (!link.IsServed)
                await ServeAgainAsync(link, pool).ConfigureAwait(false);
            await _connector.ShowSizeAsync(link, volume.SizeBytes).ConfigureAwait(false);
        }
        else
        {
            link = await ConnectAsync(wanted, pool).ConfigureAwait(false);
        }

        return Describe(link) ?? throw new VolumeException(
            VolumeError.Unavailable, $"attaching {id}: the kernel has dropped nbd{link.Index} again; try again");
    }

    /// <inheritdoc/>
    public async Task DetachAsync(VolumeId id, CancellationToken cancellation)
    {
        using var held = await HoldAsync(id, cancellation).ConfigureAwait(false);
        if (LinkOrLeftover(id) is not { } link || _kernel.Sys.Find(link.Index) is not { } device)
            return;
        await _connector.DetachAsync(link, device).ConfigureAwait(false);
        Forget(link);
    }

    /// <inheritdoc/>
    public async Task<AttachedDevice?> FindDeviceAsync(VolumeId id, CancellationToken cancellation)
    {
        using var held = await HoldAsync(id, cancellation).ConfigureAwait(false);
        return LinkOf(id) is { } link ? Describe(link) : null;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttachedDevice>> ListDevicesAsync(CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<AttachedDevice>>(
            [.. _links.All.OrderBy(link => link.Index).Select(Describe).OfType<AttachedDevice>()]);

    /// <inheritdoc/>
    public async Task<VolumeContent> InspectContentAsync(VolumeId id, CancellationToken cancellation)
    {
        var (pool, _) = Require(id);
        return await KernelNbd.RunAsync(
            $"inspecting {id}",
            () =>
            {
                using var device = pool.OpenDevice(id, readOnly: true);
                return ContentInspector.Inspect(device);
            },
            _options.InspectLimit,
            _options.Time).ConfigureAwait(false);
    }

    /// <summary>
    /// Ends this process's part. The devices stay, and whatever is written to them waits for the next life of the engine.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _pools.Added = null;
        foreach (var pool in _pools.All)
            pool.Pool.Resized = null;
        _meter.Dispose();
        await _watchdog.DisposeAsync().ConfigureAwait(false);
        _server.Dispose();
        _kernel.Dispose();
        _journal.Dispose();
    }

    // The devices of a pool that comes late wait for it.
    private void TakeUp(NamedEnginePool pool)
    {
        pool.Pool.Resized = ShowResizedAsync;
        _watchdog.Wake();
    }

    /// <summary>
    /// Makes a resized volume's device, if it has one, show the new size. The kernel first waits for the requests in flight, and one that
    /// waits for space may take long: after the limit the verb is answered, and the size shown as soon as it can be.
    /// </summary>
    private async Task ShowResizedAsync(VolumeId id)
    {
        if (_links.Find(id) is not { } link)
            return;
        try
        {
            await MendAsync(link, _options.ResizeLimit).WaitAsync(_options.ResizeLimit, _options.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The care for the device goes on by itself.
        }
    }

    private async Task ReplayAsync()
    {
        var known = _journal.Entries.ToDictionary(entry => entry.Volume);
        var mending = new List<Task>();
        foreach (var device in _kernel.Sys.List())
        {
            // All at once: while the kernel is told of one device, another's connection gets its thread.
            if (device.IsConnected && BackendName.TryParse(device.Backend, out var volume))
                mending.Add(MendAsync(TakeUp(volume, device, isRecorded: known.Remove(volume)), TimeSpan.Zero));
        }

        await Task.WhenAll(mending).ConfigureAwait(false);

        // A journal entry without a device: the host was booted again, or the end came before the kernel saw it.
        foreach (var volume in known.Keys)
            _journal.Remove(volume);
    }

    /// <summary>Cares for one device: serves it if nothing does, or lets it go when its volume is gone and nobody uses it.</summary>
    private async Task MendAsync(DeviceLink link, TimeSpan lockWait)
    {
        using var held = await _locks.AcquireAsync(link.Backend, lockWait, CancellationToken.None).ConfigureAwait(false);
        if (held is null || LinkOf(link.Attachment.Volume) != link)
            return; // a verb is at work on it and will leave it right, or it is over
        try
        {
            await MendNowAsync(link).ConfigureAwait(false);
            link.LastComplaint = null;
        }
        catch (Exception failure) when (failure is VolumeException or PoolException or IOException)
        {
            if (link.LastComplaint != failure.Message)
                _log.CannotServe(link, failure.Message);
            link.LastComplaint = failure.Message;
        }
    }

    private async Task MendNowAsync(DeviceLink link)
    {
        var id = link.Attachment.Volume;
        if (!_pools.TryFind(id.Pool, out var pool))
            throw new VolumeException(VolumeError.PoolAbsent, $"its pool {id.Pool:N} is not open here");
        if (pool.Pool.FindVolume(id) is { } usage)
        {
            if (!link.IsServed)
                await ServeAgainAsync(link, pool.Pool).ConfigureAwait(false);
            await _connector.ShowSizeAsync(link, usage.Volume.SizeBytes).ConfigureAwait(false);
            return;
        }

        var device = _kernel.Sys.Find(link.Index)!;
        if (DeviceConnector.UsersOf(device) is { Count: > 0 } users)
            throw new VolumeException(VolumeError.Busy, $"its volume is gone, but it is in use: {string.Join(", ", users)}");
        await _connector.DetachAsync(link, device).ConfigureAwait(false);
        Forget(link);
        _log.OrphanDetached(link);
    }

    private async Task<DeviceLink> ConnectAsync(Attachment attachment, IEnginePool pool)
    {
        Record($"attaching {attachment.Volume}", () => _journal.Add(attachment));
        try
        {
            var link = await _connector.ConnectAsync(attachment, Open(pool, attachment)).ConfigureAwait(false);
            _links.Put(link);
            return link;
        }
        catch
        {
            // Only what the kernel surely does not have leaves the journal; the rest is for the next replay.
            if (_kernel.Sys.FindByBackend(BackendName.Of(attachment.Volume)) is null)
                Record($"attaching {attachment.Volume}", () => _journal.Remove(attachment.Volume));
            throw;
        }
    }

    private async Task ServeAgainAsync(DeviceLink link, IEnginePool pool)
    {
        await link.EndAsync(TimeSpan.Zero, _options.Time).ConfigureAwait(false);
        await _connector.ReconnectAsync(link, Open(pool, link.Attachment)).ConfigureAwait(false);
        link.Reconnects++;
        _log.ServedAgain(link);
    }

    private static IBlockDevice Open(IEnginePool pool, Attachment attachment) =>
        pool.OpenDevice(attachment.Volume, attachment.ReadOnly);

    /// <summary>The link of a volume while the kernel has its device; one that has vanished is forgotten.</summary>
    private DeviceLink? LinkOf(VolumeId id)
    {
        if (_links.Find(id) is not { } link)
            return null;
        if (_kernel.Sys.Find(link.Index) is { IsConnected: true } device && device.Backend == link.Backend)
            return link;
        _log.Vanished(link);
        Forget(link);
        return null;
    }

    // A request to the kernel whose answer came too late may have left a device that nobody has written down since.
    private DeviceLink? LinkOrLeftover(VolumeId id) =>
        LinkOf(id) ?? (_kernel.Sys.FindByBackend(BackendName.Of(id)) is { } device ? TakeUp(id, device, isRecorded: false) : null);

    private DeviceLink TakeUp(VolumeId id, NbdDevice device, bool isRecorded)
    {
        // What the kernel has counts: the journal may have been set aside.
        var attachment = new Attachment(id, device.IsReadOnly, device.BlockBytes);
        if (!isRecorded)
            Record($"taking up {device.Path}", () => _journal.Add(attachment));
        var link = new DeviceLink(attachment) { Index = device.Index };
        _links.Put(link);
        return link;
    }

    private void Forget(DeviceLink link)
    {
        _links.Remove(link);
        Record($"detaching {link.Attachment.Volume}", () => _journal.Remove(link.Attachment.Volume));
    }

    private AttachedDevice? Describe(DeviceLink link)
    {
        if (_kernel.Sys.Find(link.Index) is not { IsConnected: true } device || device.Backend != link.Backend)
            return null;
        return new AttachedDevice(
            link.Attachment.Volume, device.Path, device.Major, device.Minor, device.IsReadOnly, device.SizeBytes, device.BlockBytes);
    }

    private (IEnginePool Pool, VolumeInfo Volume) Require(VolumeId id)
    {
        if (!_pools.TryFind(id.Pool, out var pool))
            throw new VolumeException(VolumeError.NotFound, $"volume {id} does not exist here: its pool {id.Pool:N} is not open");
        return pool.Pool.FindVolume(id) is { } usage
            ? (pool.Pool, usage.Volume)
            : throw new VolumeException(VolumeError.NotFound, $"volume {id} does not exist in pool {NameRules.Quote(pool.Name)}");
    }

    private async Task<IDisposable> HoldAsync(VolumeId id, CancellationToken cancellation) =>
        await _locks.AcquireAsync(BackendName.Of(id), LockWait, cancellation).ConfigureAwait(false)
        ?? throw new VolumeException(
            VolumeError.Aborted, $"another call for the device of {id} has been at work for {LockWait.TotalSeconds:0.#} s; try again");

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
                $"{what}: the attachment journal in {_options.StateDirectory} cannot be written: {failure.Message}");
        }
    }
}
