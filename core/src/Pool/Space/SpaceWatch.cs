namespace CsiThin.Core.Pool.Space;

/// <summary>
/// What is done about a pool that runs out of space before it has run out: first it is said, then snapshots and clones are refused, then
/// volumes (design, Running out). Of metadata, the reserve counts as not there. The worker alone calls it, but for the levels.
/// </summary>
internal sealed class SpaceWatch
{
    private readonly PoolState _pool;
    private readonly SpaceGauge _data;
    private readonly SpaceGauge _metadata;

    public SpaceWatch(PoolState pool, SpaceThresholds data, SpaceThresholds metadata)
    {
        _pool = pool;
        _data = new SpaceGauge("data space", data, pool.Log);
        _metadata = new SpaceGauge("metadata", metadata, pool.Log);
        Update();
    }

    public SpaceLevel DataLevel => _data.Level;

    public SpaceLevel MetadataLevel => _metadata.Level;

    /// <summary>
    /// Looks at what is in use right after a commit: in between, a transaction holds metadata that it gives back. Cheap.
    /// </summary>
    public void Update()
    {
        var map = _pool.Metadata;
        _data.Update(map.DataBlocks - map.FreeDataBlocks, map.DataBlocks);
        var usable = map.MetadataBlocks - map.MetadataReserveBlocks;
        _metadata.Update(usable - map.FreeMetadataBlocks, usable);
    }

    /// <summary>Throws NoSpace when the pool is too full for what is to be made.</summary>
    public void RequireRoom(VolumeSpec spec)
    {
        var (level, refused) = (spec.Kind, spec.Source) switch
        {
            (VolumeKind.Snapshot, _) => (SpaceLevel.SnapshotsRefused, $"There is no room for snapshot '{spec.Name}'"),
            (_, not null) => (SpaceLevel.SnapshotsRefused, $"There is no room for '{spec.Name}', a clone"),
            _ => (SpaceLevel.VolumesRefused, $"There is no room for volume '{spec.Name}'"),
        };
        _data.Require(level, refused);
        _metadata.Require(level, refused);
    }
}
