using CsiThin.Core.Pool;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// Publishes each pool of this node as a ThinPool object: on a change that means something, as a sign of life, and when somebody else
/// changed or deleted the object. An API server that is away is asked ever more rarely; when it is back, what is published is what is, not
/// what was. An object of this node whose pool nobody serves says so.
/// <para>Concurrency: one <see cref="RunAsync"/>; it alone touches the fields.</para>
/// </summary>
internal sealed class PoolPublisher
{
    /// <summary>Whose fields they are, in <c>managedFields</c>.</summary>
    public const string FieldManager = "csi-thin-node";

    private readonly IKubeClient _client;
    private readonly PoolReadings _readings;
    private readonly PublisherOptions _options;
    private readonly PoolEvents _events;
    private readonly FailureLog _failures;
    private readonly TimeProvider _time;
    private readonly PoolStatusReport _report;
    private readonly Watcher<ThinPoolObject> _watcher;
    private readonly Dictionary<string, PublishedPool> _published = [];
    private readonly Backoff _backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
    private IReadOnlyList<PoolReading> _lastReadings = [];

    /// <summary>Publishes what <paramref name="readings"/> finds, once it runs.</summary>
    public PoolPublisher(
        IKubeClient client, PoolReadings readings, PublisherOptions options, PoolEvents events, ILogger log, TimeProvider? time = null)
    {
        _client = client;
        _readings = readings;
        _options = options;
        _events = events;
        _time = time ?? TimeProvider.System;
        _failures = new FailureLog(log, "Pools are not published", _time);
        _report = new PoolStatusReport(options.Node, options.Address);
        var selection = new KubeSelection { LabelSelector = $"{ThinPoolObject.NodeLabel}={ThinPoolNames.LabelOf(options.Node)}" };
        _watcher = new Watcher<ThinPoolObject>(client, selection, log, _time);
    }

    /// <summary>Publishes until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watching = _watcher.RunAsync(stop.Token);
        try
        {
            // Not before: the objects that are there tell since when their conditions hold.
            var seen = await _watcher.SyncedAsync(stop.Token).ConfigureAwait(false);
            while (true)
            {
                var wait = await PublishAsync(seen, stop.Token).ConfigureAwait(false);
                await Task.Delay(_options.RestPeriod, _time, stop.Token).ConfigureAwait(false);
                await RestAsync(seen.Number, wait - _options.RestPeriod, stop.Token).ConfigureAwait(false);
                seen = _watcher.State;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits, but not longer than until the watch shows something new.</summary>
    private async Task RestAsync(long seenNumber, TimeSpan wait, CancellationToken cancellation)
    {
        if (wait <= TimeSpan.Zero)
            return;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(Task.Delay(wait, _time, enough.Token), _watcher.NextAsync(seenNumber, enough.Token)).ConfigureAwait(false);
        await enough.CancelAsync().ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>One round over all pools; returns how long to rest.</summary>
    private async Task<TimeSpan> PublishAsync(WatcherState<ThinPoolObject> seen, CancellationToken cancellation)
    {
        KubeException? first = null;
        foreach (var (name, reading) in WithOrphans(await ReadAsync(cancellation).ConfigureAwait(false), seen))
        {
            try
            {
                await PublishAsync(name, reading, seen.Objects.GetValueOrDefault(new ObjectName(name)), cancellation).ConfigureAwait(false);
            }
            catch (KubeException failure)
            {
                first ??= failure;
                if (failure.IsPassing)
                    break; // the next one would meet the same
            }
        }

        if (first is null)
        {
            _backoff.Reset();
            _failures.Worked();
            return _options.ReadPeriod;
        }

        _failures.Failed(first);
        return _backoff.Next(first.RetryAfter);
    }

    // An engine that is away leaves its pools as they were seen last, with the reason; the node itself is alive and says so.
    private async Task<IReadOnlyList<PoolReading>> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            return _lastReadings = await _readings.ReadAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is PoolException or VolumeException)
        {
            var trouble = new PoolTrouble(PoolTrouble.EngineUnreachable, failure.Message);
            return [.. _lastReadings.Select(reading => reading with { Status = null, Trouble = trouble })];
        }
    }

    private IEnumerable<(string Name, PoolReading Reading)> WithOrphans(
        IReadOnlyList<PoolReading> readings, WatcherState<ThinPoolObject> seen)
    {
        var byName = readings.ToDictionary(reading => ThinPoolNames.Of(_options.Node, reading.Name));
        foreach (var (name, reading) in byName)
            yield return (name, reading);
        foreach (var (address, orphan) in seen.Objects)
        {
            if (byName.ContainsKey(address.Name) || orphan.Metadata.DeletionTimestamp is not null)
                continue;
            var pool = orphan.Spec?.PoolName ?? orphan.Status?.Pool ?? address.Name;
            var expected = ThinPoolNames.Of(_options.Node, pool);
            var message = expected == address.Name
                ? $"node {_options.Node} serves no pool {NameRules.Quote(pool)}{Advice(orphan)}"
                : $"pool {NameRules.Quote(pool)} of node {_options.Node} is the object {expected}; this one means nothing";
            yield return (address.Name, new PoolReading(pool) { Trouble = new PoolTrouble(PoolTrouble.NotServed, message) });
        }
    }

    // An engine reads which devices it may format when it starts, from a file that only who installs the driver can write: an object that
    // any other program may write must not be able to have a disk formatted.
    private static string Advice(ThinPoolObject orphan) => orphan.Spec?.Devices is null
        ? ""
        : "; the devices in an object are not acted on: declare the pool in the chart's values (pools) and restart the node's engine";

    private async Task PublishAsync(string name, PoolReading reading, ThinPoolObject? seen, CancellationToken cancellation)
    {
        if (!_published.TryGetValue(name, out var published))
            _published[name] = published = new PublishedPool(_options, _time);
        published.Adopt(seen);
        var before = published.Status;
        var thresholds = reading.Declared?.Thresholds ?? seen?.Spec?.Thresholds;
        var next = _report.Of(reading, thresholds, before, _time.GetUtcNow());
        var main = MainPart(name, reading);
        var isMainSame = seen is not null && IsMainSame(seen, main);
        if (isMainSame && !published.IsDue(next, seen))
            return;
        if (!isMainSame)
            await _client.ApplyAsync(main, FieldManager, cancellation).ConfigureAwait(false);
        next = next with { HeartbeatTime = _time.GetUtcNow() };
        var change = new ThinPoolObject { Metadata = new ObjectMeta { Name = name }, Status = next };
        var answer = await _client.ApplyAsync(change, FieldManager, cancellation, "status").ConfigureAwait(false);
        published.Applied(next, answer);
        await _events.TellAsync(before, answer, next, cancellation).ConfigureAwait(false);
    }

    private ThinPoolObject MainPart(string name, PoolReading reading) => new()
    {
        Metadata = new ObjectMeta
        {
            Name = name,
            Labels = new Dictionary<string, string> { [ThinPoolObject.NodeLabel] = ThinPoolNames.LabelOf(_options.Node) },
        },
        Spec = (reading.Declared ?? new ThinPoolSpec()) with { NodeName = _options.Node, PoolName = reading.Name },
    };

    // Fields of the spec that we do not apply are the administrator's.
    private static bool IsMainSame(ThinPoolObject seen, ThinPoolObject main)
    {
        var (has, wants) = (seen.Spec ?? new ThinPoolSpec(), main.Spec!);
        var meant = wants with
        {
            Devices = wants.Devices ?? has.Devices,
            BlockSize = wants.BlockSize ?? has.BlockSize,
            Thresholds = wants.Thresholds ?? has.Thresholds,
        };
        var label = seen.Metadata.Labels?.GetValueOrDefault(ThinPoolObject.NodeLabel);
        return label == main.Metadata.Labels![ThinPoolObject.NodeLabel] && KubeJson.Text(meant) == KubeJson.Text(has);
    }
}
