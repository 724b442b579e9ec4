using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Events;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// Tells when a condition of a pool changed, there and back: on the pool, on its node, and on the claims in it where it concerns them. One
/// event per change: the conditions have their hysteresis, the recorder its allowance.
/// </summary>
internal sealed partial class PoolEvents(EventRecorder recorder, PoolClaims claims, ILogger log)
{
    private const int ClaimsMax = 50;

    private static readonly Dictionary<string, (string Begins, string Ends, bool ConcernsClaims)> Reasons = new()
    {
        [PoolConditionRules.NearlyFull] = ("PoolNearlyFull", "PoolBelowThreshold", true),
        [PoolConditionRules.Full] = ("PoolFull", "PoolHasSpaceAgain", true),
        [PoolConditionRules.MetadataLow] = ("PoolMetadataLow", "PoolMetadataBelowThreshold", false),
        [PoolConditionRules.Degraded] = ("PoolDegraded", "PoolRecovered", true),
        [PoolConditionRules.NeedsCheck] = ("PoolNeedsCheck", "PoolChecked", false),
    };

    /// <summary>
    /// Tells what changed from <paramref name="before"/> (null: nothing was known) to what <paramref name="pool"/> has now.
    /// </summary>
    public async Task TellAsync(ThinPoolStatus? before, ThinPoolObject pool, ThinPoolStatus after, CancellationToken cancellation)
    {
        foreach (var now in after.Conditions ?? [])
        {
            var was = before?.Conditions?.FirstOrDefault(condition => condition.Type == now.Type)?.Status;
            if (ChangeOf(now, was) is not var (isWarning, reason, concernsClaims))
                continue;
            var message = $"pool {NameRules.Quote(after.Pool ?? "")} on node {after.Node}: {now.Message}";
            recorder.Record(ReferenceOf(pool), isWarning, reason, message);
            if (after.Node is { } node)
                recorder.Record(NodeReference(node), isWarning, reason, message);
            if (concernsClaims && after.PoolUuid is { } uuid)
                await TellClaimsAsync(uuid, isWarning, reason, message, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The pool, as an event names it.</summary>
    public static ObjectReference ReferenceOf(ThinPoolObject pool) => new()
    {
        ApiVersion = ThinPoolObject.Resource.ApiVersion,
        Kind = ThinPoolObject.Resource.Kind,
        Name = pool.Metadata.Name,
        Uid = pool.Metadata.Uid,
    };

    /// <summary>A node, as kubelet's own events name it (its name is the uid), which <c>kubectl describe node</c> looks for.</summary>
    public static ObjectReference NodeReference(string node) => new() { ApiVersion = "v1", Kind = "Node", Name = node, Uid = node };

    // Coming up well is no news; coming up badly is.
    private static (bool IsWarning, string Reason, bool ConcernsClaims)? ChangeOf(KubeCondition now, string? was)
    {
        if (now.Type == PoolConditionRules.Ready)
        {
            return (was, now.Status) switch
            {
                (KubeCondition.False or KubeCondition.Unknown, KubeCondition.True) => (false, "PoolReady", false),
                (not KubeCondition.False, KubeCondition.False) => (true, "PoolNotReady", false),
                _ => null,
            };
        }

        if (!Reasons.TryGetValue(now.Type, out var reasons))
            return null;
        return (was, now.Status) switch
        {
            (not KubeCondition.True, KubeCondition.True) => (true, reasons.Begins, reasons.ConcernsClaims),
            (KubeCondition.True, KubeCondition.False) => (false, reasons.Ends, reasons.ConcernsClaims),
            _ => null,
        };
    }

    private async Task TellClaimsAsync(string poolUuid, bool isWarning, string reason, string message, CancellationToken cancellation)
    {
        try
        {
            var concerned = await claims.FindAsync(poolUuid, cancellation).ConfigureAwait(false);
            foreach (var claim in concerned.Take(ClaimsMax))
                recorder.Record(claim, isWarning, reason, message);
            if (concerned.Count > ClaimsMax)
                LogManyClaims(log, reason, ClaimsMax, concerned.Count);
        }
        catch (KubeException failure)
        {
            LogNoClaims(log, reason, failure.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Reason}: told {Told} of {Claims} claims")]
    private static partial void LogManyClaims(ILogger logger, string reason, int told, int claims);

    [LoggerMessage(2, LogLevel.Warning, "{Reason}: the claims concerned were not told: {Failure}")]
    private static partial void LogNoClaims(ILogger logger, string reason, string failure);
}
