namespace CsiThin.Driver.Volumes;

/// <summary>
/// Work that goes on beside everything else until it is disposed, which asks it to stop and waits for that. Its being stopped is no
/// failure; any other comes out of the disposal.
/// </summary>
internal sealed class BackgroundWork : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    /// <summary>Begins <paramref name="work"/>, which ends when the token that it is given says so.</summary>
    public BackgroundWork(Func<CancellationToken, Task> work) => _running = Task.Run(() => work(_stop.Token));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await _running.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // As was asked.
        }

        _stop.Dispose();
    }
}
