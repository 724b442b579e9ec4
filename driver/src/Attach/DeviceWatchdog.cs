using CsiThin.Driver.Attach.Netlink;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Attach;

/// <summary>
/// Looks after every device: at once when a connection has ended or the kernel announces a dead link, and in regular rounds in case nobody
/// said anything. Each round also sees to it that the announcements are heard, for nbd may be loaded, or loaded again, at any time.
/// <para>
/// Concurrency: one task makes the rounds, and alone touches <c>_cares</c>; each device has a <see cref="DeviceCare"/> of its own, so
/// that one which hangs in the kernel keeps nobody else waiting. <c>_listener</c> is changed by <c>_hearing</c> alone. <see cref="Wake"/>
/// from any thread.
/// </para>
/// </summary>
internal sealed class DeviceWatchdog(
    DeviceTable links,
    DeviceOptions options,
    Func<DeviceLink, Task> mend,
    Func<DeadLinkListener?, Action, DeadLinkListener?> listen,
    DeviceLog log)
    : IAsyncDisposable
{
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<DeviceLink, DeviceCare> _cares = [];
    private DeadLinkListener? _listener;
    private Task _hearing = Task.CompletedTask;
    private Task _running = Task.CompletedTask;

    /// <summary>Begins.</summary>
    public void Start() => _running = Task.Run(WatchAsync);

    /// <summary>Asks for a round now.</summary>
    public void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // A round is asked for already, and will see this too.
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _listener?.Dispose();
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            if (_hearing.IsCompleted)
                _hearing = Task.Run(HearAsync);
            CareForAll();
            await PauseAsync().ConfigureAwait(false);
        }

        await Task.WhenAll([_hearing, .. _cares.Values.Select(care => care.Running)]).ConfigureAwait(false);
    }

    private void CareForAll()
    {
        var all = links.All.ToHashSet();
        foreach (var (link, care) in _cares)
        {
            if (care.Running.IsCompleted && !all.Contains(link))
                _cares.Remove(link);
        }

        foreach (var link in all)
        {
            if (!_cares.TryGetValue(link, out var care))
                _cares.Add(link, care = new DeviceCare(() => MendAsync(link)));
            care.Ask();
        }
    }

    private async Task HearAsync()
    {
        try
        {
            var now = await KernelNbd.RunAsync(
                "listening for dead links", () => listen(_listener, Wake), options.KernelLimit, options.Time).ConfigureAwait(false);
            if (now != _listener)
                _listener?.Dispose();
            _listener = now;
        }
        catch (VolumeException)
        {
            // The kernel does not answer just now: the rounds find the same, later.
        }
    }

    private async Task PauseAsync()
    {
        try
        {
            await _wake.WaitAsync(options.WatchInterval, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop's condition sees it.
        }
    }

    private async Task MendAsync(DeviceLink link)
    {
        try
        {
            await mend(link).ConfigureAwait(false);
        }
        catch (Exception defect)
        {
            // Nobody waits for this task: one device's trouble must not end the care for the others.
            log.WatchFailed(link, defect);
        }
    }
}
