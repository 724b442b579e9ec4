using CsiThin.Core.Nbd;
using CsiThin.Core.Pool;
using CsiThin.Driver.Attach.Netlink;
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
/// Here are the verbs; <see cref="DeviceRegistry"/> knows what there is, <see cref="DeviceMender"/> puts right what is amiss,
/// <see cref="DeviceWatchdog"/> has it do so in time.
/// </para>
/// <para>
/// Concurrency: <c>_locks</c> has one lock for each volume, held for the whole of a verb or of the mender's care for its device.
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
    private readonly DeviceRegistry _registry;
    private readonly DeviceMender _mender;
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
        _connector = new DeviceConnector(_kernel, _server, options, _ => _watchdog!.Wake());
        _registry = new DeviceRegistry(_journal, _kernel, options, _log);
        _mender = new DeviceMender(pools, _registry, _connector, _kernel, _locks, options, _log);
        _watchdog = new DeviceWatchdog(
            _registry.Links,
            options,
            link => _mender.MendAsync(link, TimeSpan.Zero),
            (now, wake) => DeadLinkListener.Renew(now, wake, options.Time),
            _log);
        _meter = new DeviceMeter(pools, _registry.Links);
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
                pool.Pool.Resized = manager._mender.ShowResizedAsync;
            pools.Added = manager.TakeUp;
            await manager._mender.ReplayAsync(manager._journal).ConfigureAwait(false);
            manager._watchdog.Start();
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
    public string? HostProblem => _kernel.FindProblem();

    /// <inheritdoc/>
    public async Task<AttachedDevice> AttachAsync(VolumeId id, AttachRequest request, CancellationToken cancellation)
    {
        using var held = await HoldAsync(id, cancellation).ConfigureAwait(false);
        var (pool, volume) = Require(id);
        var wanted = new Attachment(id, request.ReadOnly || volume.Kind == VolumeKind.Snapshot, request.BlockBytes);
        AttachRules.Check(volume, wanted);
        if (await _registry.FindOrTakeUpAsync(id).ConfigureAwait(false) is { } link)
        {
            AttachRules.CheckSame(volume, link.Attachment, wanted);
            if (!link.IsServed)
                await _mender.ServeAgainAsync(link, pool).ConfigureAwait(false);
            await _connector.ShowSizeAsync(link, volume.SizeBytes).ConfigureAwait(false);
        }
        else
        {
            link = await ConnectAsync(wanted, pool).ConfigureAwait(false);
        }

        return _registry.Describe(link) ?? throw new VolumeException(
            VolumeError.Unavailable, $"attaching {id}: the kernel has dropped nbd{link.Index} again; try again");
    }

    /// <inheritdoc/>
    public async Task DetachAsync(VolumeId id, CancellationToken cancellation)
    {
        using var held = await HoldAsync(id, cancellation).ConfigureAwait(false);
        if (await _registry.FindOrTakeUpAsync(id).ConfigureAwait(false) is not { } link || _kernel.Sys.Find(link.Index) is not { } device)
            return;
        await _connector.DetachAsync(link, device).ConfigureAwait(false);
        _registry.Forget(link);
    }

    /// <inheritdoc/>
    public async Task<AttachedDevice?> FindDeviceAsync(VolumeId id, CancellationToken cancellation)
    {
        using var held = await HoldAsync(id, cancellation).ConfigureAwait(false);
        return await _registry.FindAsync(id).ConfigureAwait(false) is { } link ? _registry.Describe(link) : null;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttachedDevice>> ListDevicesAsync(CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<AttachedDevice>>(
            [.. _registry.Links.All.OrderBy(link => link.Index).Select(_registry.Describe).OfType<AttachedDevice>()]);

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
        pool.Pool.Resized = _mender.ShowResizedAsync;
        _watchdog.Wake();
    }

    private async Task<DeviceLink> ConnectAsync(Attachment attachment, IEnginePool pool)
    {
        _registry.Announce(attachment);
        try
        {
            var link = await _connector.ConnectAsync(attachment, DeviceConnector.Open(pool, attachment)).ConfigureAwait(false);
            _registry.Links.Put(link);
            return link;
        }
        catch
        {
            _registry.Withdraw(attachment);
            throw;
        }
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
}
