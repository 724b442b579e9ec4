using System.Diagnostics.Metrics;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool;
using CsiThin.Core.Tools;

namespace CsiThin.Driver.Volumes.Meters;

/// <summary>
/// What each volume and snapshot maps alone, and what it shares, on the meter <c>CsiThin.Occupancy</c>. Only the mapping trees know, so
/// they are read in the background, never while somebody looks:
/// <list type="number">
/// <item>A pool is read when somebody has looked and it has changed since the last reading, at most every <see cref="AgeMin"/>, and so
/// seldom that reading takes no more than a fiftieth of the time.</item>
/// <item>What was read last is shown until then, with the time it is of.</item>
/// <item>A pool with more than <see cref="BlocksMax"/> data blocks in use is not read: a reading takes four bytes for each.</item>
/// </list>
/// <para>Concurrency: one task reads, one pool after the other; <c>_readings</c> is guarded by its own lock.</para>
/// </summary>
internal sealed class OccupancyMeter : IAsyncDisposable
{
    /// <summary>The shortest time between two readings of a pool.</summary>
    public static readonly TimeSpan AgeMin = TimeSpan.FromMinutes(1);

    /// <summary>256 MiB of memory; 4 TiB in use at data blocks of 64 KiB.</summary>
    public const ulong BlocksMax = 64 << 20;

    private const int RestFactor = 50;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1);

    private readonly Meter _meter = new("CsiThin.Occupancy");
    private readonly MeteredPools _pools;
    private readonly TimeProvider _time;
    private readonly Action<string> _log;
    private readonly Dictionary<string, Reading> _readings = [];
    private readonly SemaphoreSlim _wanted = new(0, 1);
    private readonly BackgroundWork _reader;

    /// <summary>Publishes the instruments. What cannot be read is told to <paramref name="log"/>, once for each reason.</summary>
    public OccupancyMeter(MeteredPools pools, TimeProvider time, Action<string> log)
    {
        (_pools, _time, _log) = (pools, time, log);
        Gauge(
            "exclusive",
            "Bytes of data blocks that a volume or snapshot alone maps: what its deletion frees.",
            static device => device.ExclusiveBlocks);
        Gauge("shared", "Bytes of data blocks that others map too.", static device => device.SharedBlocks);
        _meter.CreateObservableGauge(
            "csithin.pool.occupancy.timestamp",
            () => EachRead<Measurement<double>>(
                (pool, reading) => [new Measurement<double>(Seconds(reading.At), MeteredPools.Tag("pool", pool.Name))]),
            "s",
            "When exclusive and shared bytes were last counted, since the Unix epoch.");
        _meter.CreateObservableGauge(
            "csithin.pool.occupancy.reading",
            () => EachRead<Measurement<double>>(
                (pool, reading) => [new Measurement<double>(reading.Took.TotalSeconds, MeteredPools.Tag("pool", pool.Name))]),
            "s",
            "How long counting exclusive and shared bytes took the last time.");
        _reader = new BackgroundWork(ReadWhenWantedAsync);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        await _reader.DisposeAsync().ConfigureAwait(false);
        _wanted.Dispose();
    }

    private void Gauge(string name, string description, Func<DeviceOccupancy, ulong> blocks) => _meter.CreateObservableGauge(
        $"csithin.volume.{name}",
        () => EachRead((pool, reading) =>
            from usage in _pools.Shown(pool)
            where reading.Devices.ContainsKey(usage.Volume.ThinId.Value)
            let bytes = (long)blocks(reading.Devices[usage.Volume.ThinId.Value]) * reading.BlockBytes
            select new Measurement<long>(bytes, MeteredPools.TagsOf(pool, usage.Volume))),
        "By",
        description);

    private List<T> EachRead<T>(Func<NamedEnginePool, Reading, IEnumerable<T>> observe)
    {
        Want();
        return _pools.Each(pool => Find(pool) is { Devices.Count: > 0 } reading ? observe(pool, reading) : []);
    }

    private void Want()
    {
        try
        {
            _wanted.Release();
        }
        catch (Exception over) when (over is SemaphoreFullException or ObjectDisposedException)
        {
            // It is asked for already, or nobody reads any more.
        }
    }

    private async Task ReadWhenWantedAsync(CancellationToken stop)
    {
        while (true)
        {
            await _wanted.WaitAsync(stop).ConfigureAwait(false);
            _ = _pools.Each(pool =>
            {
                ReadIfDue(pool, stop);
                return Array.Empty<bool>();
            });
        }
    }

    private void ReadIfDue(NamedEnginePool pool, CancellationToken stop)
    {
        var status = pool.Pool.GetStatus();
        var last = Find(pool);
        if (status.Mode >= PoolMode.ReadOnly || (last is not null && (last.Commits == status.Commits || !IsOver(last))))
            return;
        var begin = _time.GetTimestamp();
        try
        {
            if (status.DataBlocksUsed > BlocksMax)
                throw new NotSupportedException($"{status.DataBlocksUsed} data blocks are in use, above the limit of {BlocksMax}");
            var read = pool.Pool.ReadOccupancy(stop);
            Keep(pool, new Reading(read.DataBlockBytes, read.Devices.ToDictionary(device => device.Id.Value))
            {
                At = _time.GetUtcNow(),
                Took = _time.GetElapsedTime(begin),
                RestsSince = _time.GetTimestamp(),
                Rest = Longer(AgeMin, _time.GetElapsedTime(begin) * RestFactor),
                Commits = pool.Pool.GetStatus().Commits, // those of the reading itself are none that need another
            });
        }
        catch (Exception failure) when (failure is PoolException or MetadataException or NotSupportedException
            || (failure is OperationCanceledException && !stop.IsCancellationRequested))
        {
            Complain(pool, last, failure);
        }
    }

    private void Complain(NamedEnginePool pool, Reading? last, Exception failure)
    {
        if (failure is not OperationCanceledException && last?.Complaint != failure.Message)
            _log($"The exclusive and shared bytes of pool {NameRules.Quote(pool.Name)} are not counted: {failure.Message}");
        Keep(pool, (last ?? new Reading(0, [])) with
        {
            RestsSince = _time.GetTimestamp(),
            Rest = RetryAfter,
            Complaint = failure.Message,
            Commits = ulong.MaxValue, // to be tried again, whatever the pool does
        });
    }

    private bool IsOver(Reading last) => _time.GetElapsedTime(last.RestsSince) >= last.Rest;

    private Reading? Find(NamedEnginePool pool)
    {
        lock (_readings)
            return _readings.GetValueOrDefault(pool.Name);
    }

    private void Keep(NamedEnginePool pool, Reading reading)
    {
        lock (_readings)
            _readings[pool.Name] = reading;
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static double Seconds(DateTimeOffset at) => at.ToUnixTimeMilliseconds() / 1000.0;

    private sealed record Reading(long BlockBytes, Dictionary<uint, DeviceOccupancy> Devices)
    {
        public DateTimeOffset At { get; init; }

        public TimeSpan Took { get; init; }

        public long RestsSince { get; init; }

        public TimeSpan Rest { get; init; }

        public ulong Commits { get; init; }

        public string? Complaint { get; init; }
    }
}
