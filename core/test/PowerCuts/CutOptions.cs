using CsiThin.Core.Metadata;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>How pools are opened here.</summary>
internal static class CutOptions
{
    /// <summary>Options with what of a fault belongs into the engine.</summary>
    public static PoolOpenOptions Of(CutFault fault) => new()
    {
        MetadataCacheBytes = PoolOpenOptions.MetadataCacheBytesMin,
        DataThresholds = new SpaceThresholds(100, 100, 100), // snapshots of a nearly full pool are what we want
        MetadataFaults = fault switch
        {
            CutFault.ForgetToShadow => MetadataFaults.ChangeInPlace,
            CutFault.ReuseDataBlockEarly => MetadataFaults.ReuseDataEarly,
            CutFault.ReuseMetadataBlockEarly => MetadataFaults.ReuseMetadataEarly,
            _ => MetadataFaults.None,
        },
    };
}
