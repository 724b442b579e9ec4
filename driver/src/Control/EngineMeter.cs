using System.Diagnostics.Metrics;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Control;

/// <summary>
/// Whether the engine answers, on the meter <c>CsiThin.Engine</c> of a process that talks to it. It is asked in the background, so that
/// nobody who looks has to wait for an engine that does not answer.
/// <para>Concurrency: one task asks; the figures are read by any thread.</para>
/// </summary>
internal sealed class EngineMeter : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly Meter _meter = new("CsiThin.Engine");
    private readonly IPoolSource _pools;
    private readonly TimeProvider _time;
    private readonly BackgroundWork _asking;
    private volatile int _served = -1;

    /// <summary>
    /// Publishes the instruments, and asks <paramref name="pools"/>, which must not wait for an absent engine, from now on.
    /// </summary>
    public EngineMeter(IPoolSource pools, TimeProvider time)
    {
        (_pools, _time) = (pools, time);
        _meter.CreateObservableGauge("csithin.engine.up", () => _served < 0 ? 0 : 1, null, "1 when the node's engine answered lately.");
        _meter.CreateObservableGauge(
            "csithin.engine.pools",
            () => Math.Max(0, _served),
            "{pool}",
            "Pools that the node's engine serves; 0 while it does not answer.");
        _asking = new BackgroundWork(AskForEverAsync);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        await _asking.DisposeAsync().ConfigureAwait(false);
    }

    private async Task AskForEverAsync(CancellationToken stop)
    {
        while (true)
        {
            _served = await AskAsync(stop).ConfigureAwait(false);
            await Task.Delay(Period, _time, stop).ConfigureAwait(false);
        }
    }

    private async Task<int> AskAsync(CancellationToken stop)
    {
        try
        {
            return (await _pools.GetPoolsAsync(stop).ConfigureAwait(false)).All.Count;
        }
        catch (Exception absent) when (absent is VolumeException or PoolException)
        {
            return -1;
        }
    }
}
