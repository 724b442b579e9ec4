using CsiThin.Driver.Attach.Netlink;

namespace CsiThin.Driver.Attach;

/// <summary>
/// Looks after every device: at once when a connection has ended or the kernel announces a dead link, and in regular rounds in case nobody
/// said anything.
/// <para>Concurrency: one task does all the work, one device after the other; <see cref="Wake"/> from any thread.</para>
/// </summary>
internal sealed class DeviceWatchdog(DeviceTable links, DeviceOptions options, Func<DeviceLink, Task> mend, DeviceLog log)
    : IAsyncDisposable
{
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private DeadLinkListener? _listener;
    private Task _running = Task.CompletedTask;

    /// <summary>Begins; without a family there are no announcements.</summary>
    public void Start(NetlinkFamily? family)
    {
        if (family is not null)
            _listener = DeadLinkListener.TryOpen(family, _ => Wake());
        _running = Task.Run(WatchAsync);
    }

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
            foreach (var link in links.All)
                await MendAsync(link).ConfigureAwait(false);
            await PauseAsync().ConfigureAwait(false);
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
