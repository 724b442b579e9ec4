using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Events;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// The controller's eye on the pools of all nodes. A pool whose heartbeat has not moved for too long becomes Ready=Unknown, sooner when its
/// Node object is gone; the time is counted here, from when the heartbeat was last <em>seen</em> to move, so that no node's clock matters
/// and a controller that has just begun condemns nobody. A pool declared by hand gets the label by which its node finds it. Nothing is
/// deleted: a disk may come back, here or elsewhere.
/// <para>Concurrency: one <see cref="RunAsync"/>, by one leader; it alone touches the fields.</para>
/// </summary>
internal sealed partial class PoolCaretaker
{
    /// <summary>Whose fields they are, in <c>managedFields</c>.</summary>
    public const string FieldManager = "csi-thin-controller";

    private const int MissedBeats = 5;
    private const int MissedBeatsOfGoneNode = 2;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    private readonly IKubeClient _client;
    private readonly EventRecorder _events;
    private readonly ILogger _log;
    private readonly FailureLog _failures;
    private readonly TimeProvider _time;
    private readonly Watcher<ThinPoolObject> _watcher;
    private readonly Dictionary<ObjectName, (DateTimeOffset? Heartbeat, long SeenAt)> _lives = [];

    /// <summary>Cares once it runs, for the pools that <paramref name="watcher"/>, which somebody else runs, knows.</summary>
    public PoolCaretaker(
        IKubeClient client, Watcher<ThinPoolObject> watcher, EventRecorder events, ILogger log, TimeProvider? time = null)
    {
        _client = client;
        _events = events;
        _log = log;
        _time = time ?? TimeProvider.System;
        _failures = new FailureLog(log, "The pools are not looked after", _time);
        _watcher = watcher;
    }

    /// <summary>Cares until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await _watcher.SyncedAsync(cancellation).ConfigureAwait(false);
        while (true)
        {
            await LookAsync(cancellation).ConfigureAwait(false);
            await Task.Delay(Period, _time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        try
        {
            var pools = _watcher.State.Objects;
            foreach (var gone in _lives.Keys.Where(name => !pools.ContainsKey(name)).ToList())
                _lives.Remove(gone);
            if (pools.IsEmpty)
                return;
            var nodes = await _client.ListAsync<KubeNode>(KubeSelection.All, cancellation).ConfigureAwait(false);
            var names = (nodes.Items ?? []).Select(node => node.Metadata.Name).ToHashSet();
            foreach (var (_, pool) in pools)
                await LookAsync(pool, names, cancellation).ConfigureAwait(false);
            _failures.Worked();
        }
        catch (KubeException failure)
        {
            _failures.Failed(failure);
        }
    }

    private async Task LookAsync(ThinPoolObject pool, HashSet<string?> nodes, CancellationToken cancellation)
    {
        if (pool.Metadata.DeletionTimestamp is not null || (pool.Spec?.NodeName ?? pool.Status?.Node) is not { } node)
            return;
        await LabelAsync(pool, node, cancellation).ConfigureAwait(false);
        var name = pool.Metadata.Address;
        var heartbeat = pool.Status?.HeartbeatTime;
        if (!_lives.TryGetValue(name, out var life) || life.Heartbeat != heartbeat)
            _lives[name] = life = (heartbeat, _time.GetTimestamp());
        var isGone = !nodes.Contains(node);
        var limit = PublisherOptions.DefaultHeartbeatPeriod * (isGone ? MissedBeatsOfGoneNode : MissedBeats);
        if (_time.GetElapsedTime(life.SeenAt) < limit)
            return;
        var (reason, message) = isGone
            ? ("NodeGone", $"node {node} is no longer in the cluster, and its driver is silent")
            : ("NodeSilent", $"the driver on node {node} has said nothing for more than {limit.TotalMinutes:0} minutes");
        await MarkAsync(pool, node, reason, message, cancellation).ConfigureAwait(false);
    }

    private async Task MarkAsync(ThinPoolObject pool, string node, string reason, string message, CancellationToken cancellation)
    {
        var conditions = pool.Status?.Conditions ?? [];
        var ready = conditions.FirstOrDefault(condition => condition.Type == PoolConditionRules.Ready);
        if (ready is { Status: KubeCondition.Unknown } && ready.Reason == reason)
            return;
        var unknown = PoolConditionRules.Made(
            PoolConditionRules.Ready, KubeCondition.Unknown, reason, message, conditions, _time.GetUtcNow());
        var change = new ThinPoolObject
        {
            Metadata = new ObjectMeta { Name = pool.Metadata.Name },
            Status = new ThinPoolStatus { Conditions = [unknown] },
        };
        await _client.ApplyAsync(change, FieldManager, cancellation, "status").ConfigureAwait(false);
        LogMarked(_log, pool.Metadata.Name, message);
        var told = $"pool {NameRules.Quote(pool.Spec?.PoolName ?? "")}: {message}";
        _events.Record(PoolEvents.ReferenceOf(pool), isWarning: true, $"Pool{reason}", told);
        _events.Record(PoolEvents.NodeReference(node), isWarning: true, $"Pool{reason}", told);
    }

    private async Task LabelAsync(ThinPoolObject pool, string node, CancellationToken cancellation)
    {
        var label = ThinPoolNames.LabelOf(node);
        if (pool.Metadata.Labels?.GetValueOrDefault(ThinPoolObject.NodeLabel) == label)
            return;
        var change = new
        {
            Metadata = new { Labels = new Dictionary<string, string> { [ThinPoolObject.NodeLabel] = label } },
        };
        await _client.PatchAsync<ThinPoolObject>(
            pool.Metadata.Address, KubePatch.Merge(change, FieldManager), cancellation).ConfigureAwait(false);
    }

    [LoggerMessage(2, LogLevel.Warning, "Pool {Name} is Unknown: {Reason}")]
    private static partial void LogMarked(ILogger logger, string? name, string reason);
}
