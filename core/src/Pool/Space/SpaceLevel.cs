namespace CsiThin.Core.Pool.Space;

/// <summary>What the use of data or metadata has reached, in order: compare with &lt;. See <see cref="SpaceThresholds"/>.</summary>
public enum SpaceLevel
{
    /// <summary>There is enough.</summary>
    Ample,

    /// <summary>Time to add space.</summary>
    NearlyFull,

    /// <summary>New snapshots and clones are refused.</summary>
    SnapshotsRefused,

    /// <summary>New volumes are refused too.</summary>
    VolumesRefused,
}
