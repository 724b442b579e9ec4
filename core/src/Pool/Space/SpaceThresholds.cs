using System.Globalization;

namespace CsiThin.Core.Pool.Space;

/// <summary>
/// How full data or metadata may get before something is done about it: in percent of what there is, and for metadata of what there is
/// beside its reserve. Each is reached when so much is in use, or more. 100 leaves nothing to be done before all is in use.
/// </summary>
/// <param name="WarnPercent">It is said to be nearly full.</param>
/// <param name="SnapshotsPercent">New snapshots and clones are refused, which cost nothing now and a block for each write later.</param>
/// <param name="VolumesPercent">New volumes are refused too.</param>
public sealed record SpaceThresholds(int WarnPercent = 80, int SnapshotsPercent = 90, int VolumesPercent = 95)
{
    /// <summary>Throws InvalidArgument unless 1 &lt;= warn &lt;= snapshots &lt;= volumes &lt;= 100.</summary>
    public void Check()
    {
        if (WarnPercent < 1 || SnapshotsPercent < WarnPercent || VolumesPercent < SnapshotsPercent || VolumesPercent > 100)
            throw new PoolException(PoolError.InvalidArgument, string.Create(CultureInfo.InvariantCulture,
                $"The thresholds warn={WarnPercent}, snapshots={SnapshotsPercent} and volumes={VolumesPercent} make no sense: they are " +
                $"percentages from 1 to 100, none below the one before it."));
    }
}
