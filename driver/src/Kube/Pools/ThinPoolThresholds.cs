using CsiThin.Core.Pool.Space;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// What is done about a pool that fills, in percent and seconds; where null, as the engine does it by itself. An engine that is started on
/// a declaration goes by all of it; in an object edited by hand only the two that warn have a meaning, for the object's own conditions.
/// </summary>
internal sealed record ThinPoolThresholds
{
    /// <summary>Of the data: it is said to be nearly full.</summary>
    public int? NearlyFullPercent { get; init; }

    /// <summary>Of the metadata: it is said to be low.</summary>
    public int? MetadataLowPercent { get; init; }

    /// <summary>Of the data or the metadata: new snapshots and clones are refused.</summary>
    public int? SnapshotsRefusedPercent { get; init; }

    /// <summary>Of the data or the metadata: new volumes are refused too.</summary>
    public int? VolumesRefusedPercent { get; init; }

    /// <summary>How long a write waits for space; 0: not at all.</summary>
    public int? QueueSeconds { get; init; }

    /// <summary>What the engine is to do about data, see <see cref="Together"/>.</summary>
    public SpaceThresholds OfData() => Together(NearlyFullPercent);

    /// <summary>The same for metadata.</summary>
    public SpaceThresholds OfMetadata() => Together(MetadataLowPercent);

    /// <summary>
    /// Those that are given, and the engine's own for the others, moved as far as the given ones need it: who warns at 92 percent has not
    /// said that snapshots shall be refused at 90.
    /// </summary>
    private SpaceThresholds Together(int? warn)
    {
        var own = new SpaceThresholds();
        var volumes = VolumesRefusedPercent ?? Math.Max(own.VolumesPercent, SnapshotsRefusedPercent ?? warn ?? 0);
        var snapshots = SnapshotsRefusedPercent ?? Math.Min(volumes, Math.Max(own.SnapshotsPercent, warn ?? 0));
        return new SpaceThresholds(warn ?? Math.Min(own.WarnPercent, snapshots), snapshots, volumes);
    }
}
