using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Driver.Volumes;

/// <summary>One wording for the things that messages, tables and metrics name.</summary>
internal static class Describe
{
    /// <summary>"volume" or "snapshot".</summary>
    public static string Kind(VolumeKind kind) => kind == VolumeKind.Snapshot ? "snapshot" : "volume";

    /// <summary>The kind and the name or handle in quotes.</summary>
    public static string Thing(VolumeKind kind, string nameOrHandle) => $"{Kind(kind)} {NameRules.Quote(nameOrHandle)}";

    /// <summary>The mode as dm-thin's status line would have it.</summary>
    public static string Mode(PoolMode mode) => mode switch
    {
        PoolMode.Write => "write",
        PoolMode.OutOfDataSpace => "out-of-data-space",
        PoolMode.OutOfMetadataSpace => "out-of-metadata-space",
        PoolMode.ReadOnly => "read-only",
        _ => "failed",
    };

    /// <summary>How far the use of data or metadata has come.</summary>
    public static string Level(SpaceLevel level) => level switch
    {
        SpaceLevel.Ample => "ample",
        SpaceLevel.NearlyFull => "nearly-full",
        SpaceLevel.SnapshotsRefused => "snapshots-refused",
        _ => "volumes-refused",
    };
}
