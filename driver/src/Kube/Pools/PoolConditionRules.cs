using System.Globalization;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// A pool's conditions from its state. Where the administrator gave the pool's object a threshold, that decides when it is nearly full,
/// left again three percent below so that a pool at the line does not say yes and no by turns; else the engine's own level does, which has
/// the same care built in. From which level on the engine refuses snapshots and volumes is the engine's affair, and the reason here.
/// </summary>
internal sealed class PoolConditionRules(ThinPoolThresholds? thresholds)
{
    /// <summary>Serves reads and every write.</summary>
    public const string Ready = "Ready";

    /// <summary>The data has passed its threshold.</summary>
    public const string NearlyFull = "NearlyFull";

    /// <summary>No data block is left, or no metadata to map one.</summary>
    public const string Full = "Full";

    /// <summary>The metadata has passed its threshold.</summary>
    public const string MetadataLow = "MetadataLow";

    /// <summary>Read-only or failed.</summary>
    public const string Degraded = "Degraded";

    /// <summary>The metadata must be checked.</summary>
    public const string NeedsCheck = "NeedsCheck";

    private const int HysteresisPercent = 3;

    /// <summary>The conditions of a pool that is served; <paramref name="before"/> gives the times of those that stay.</summary>
    public IReadOnlyList<KubeCondition> Of(PoolStatus status, IReadOnlyList<KubeCondition> before, DateTimeOffset now)
    {
        var dataPercent = Percent(status.DataBlocksUsed, status.DataBlocksTotal);
        var metadataPercent = MetadataPercent(status);
        var size = Quantity.Format((long)status.DataBlocksTotal * status.DataBlockBytes);
        var isNearlyFull = IsPast(dataPercent, thresholds?.NearlyFullPercent, status.DataLevel, before, NearlyFull);
        var isMetadataLow = IsPast(metadataPercent, thresholds?.MetadataLowPercent, status.MetadataLevel, before, MetadataLow);
        var isFull = status.Mode is PoolMode.OutOfDataSpace or PoolMode.OutOfMetadataSpace;
        var isDegraded = status.Mode >= PoolMode.ReadOnly;
        var mode = Describe.Mode(status.Mode);
        var used = string.Create(CultureInfo.InvariantCulture, $"{dataPercent} % of {size} are in use");
        var metadata = string.Create(CultureInfo.InvariantCulture, $"{metadataPercent} % of the metadata are in use");
        (string Type, bool IsTrue, string Reason, string Message)[] facts =
        [
            status switch
            {
                { Mode: PoolMode.Write, NeedsCheck: false } => (Ready, true, "Serving", "reads and writes are served"),
                { Mode: PoolMode.OutOfDataSpace } => (Ready, false, "OutOfDataSpace", "writes that need a new block wait or fail"),
                { Mode: PoolMode.OutOfMetadataSpace } => (
                    Ready, false, "OutOfMetadataSpace", "writes that need a new block wait or fail: no metadata is left to map one"),
                { Mode: PoolMode.ReadOnly } => (Ready, false, "ReadOnly", "nothing can be written until the pool is repaired and reopened"),
                { Mode: PoolMode.Failed } => (Ready, false, "Failed", "nothing is served until the pool is repaired and reopened"),
                _ => (Ready, false, "NeedsCheck", "the metadata must be checked before the pool is relied on"),
            },
            (NearlyFull, isNearlyFull, LevelReason(isNearlyFull, status.DataLevel), used),
            (Full, isFull, FullReason(status.Mode), $"{used}, {metadata}"),
            (MetadataLow, isMetadataLow, LevelReason(isMetadataLow, status.MetadataLevel), metadata),
            (Degraded, isDegraded, isDegraded ? ReasonOf(status.Mode) : "AllWell", $"the pool's mode is {mode}"),
            (NeedsCheck, status.NeedsCheck, status.NeedsCheck ? "FlagSet" : "FlagClear",
                status.NeedsCheck ? "the metadata carries needs_check: run csi-thin pool check" : "the metadata carries no needs_check"),
        ];
        return
        [
            .. from fact in facts
               let holds = fact.IsTrue ? KubeCondition.True : KubeCondition.False
               select Made(fact.Type, holds, fact.Reason, fact.Message, before, now),
        ];
    }

    /// <summary>The conditions of a pool that is not served: it is not ready, and nothing else is known.</summary>
    public static IReadOnlyList<KubeCondition> Of(PoolTrouble trouble, IReadOnlyList<KubeCondition> before, DateTimeOffset now) =>
    [
        Made(Ready, KubeCondition.False, trouble.Reason, trouble.Message, before, now),
        .. from type in new[] { NearlyFull, Full, MetadataLow, Degraded, NeedsCheck }
           select Made(type, KubeCondition.Unknown, trouble.Reason, "unknown while the pool is not served", before, now),
    ];

    /// <summary>One condition; its time stays where its status stays.</summary>
    public static KubeCondition Made(
        string type, string status, string reason, string message, IReadOnlyList<KubeCondition> before, DateTimeOffset now)
    {
        var known = before.FirstOrDefault(condition => condition.Type == type);
        return new KubeCondition
        {
            Type = type,
            Status = status,
            Reason = reason,
            Message = message,
            LastTransitionTime = known?.Status == status ? known.LastTransitionTime : now,
        };
    }

    /// <summary>Rounded down, so that 100 means all.</summary>
    public static int Percent(ulong part, ulong whole) => whole == 0 ? 0 : (int)((UInt128)part * 100 / whole);

    /// <summary>Of what there is beside the reserve, as the engine counts it.</summary>
    public static int MetadataPercent(PoolStatus status) =>
        Math.Min(100, Percent(status.MetadataBlocksUsed, status.MetadataBlocksTotal - status.MetadataBlocksReserved));

    private static bool IsPast(int percent, int? own, SpaceLevel level, IReadOnlyList<KubeCondition> before, string type)
    {
        if (own is not { } threshold)
            return level >= SpaceLevel.NearlyFull;
        var wasPast = before.Any(condition => condition.Type == type && condition.Status == KubeCondition.True);
        return percent >= (wasPast ? threshold - HysteresisPercent : threshold);
    }

    private static string LevelReason(bool isPast, SpaceLevel level) => level switch
    {
        SpaceLevel.VolumesRefused => "VolumesRefused",
        SpaceLevel.SnapshotsRefused => "SnapshotsRefused",
        _ => isPast ? "AboveThreshold" : "BelowThreshold",
    };

    private static string FullReason(PoolMode mode) => mode switch
    {
        PoolMode.OutOfDataSpace => "NoFreeBlocks",
        PoolMode.OutOfMetadataSpace => "NoFreeMetadata",
        _ => "HasFreeBlocks",
    };

    private static string ReasonOf(PoolMode mode) => mode == PoolMode.ReadOnly ? "ReadOnly" : "Failed";
}
