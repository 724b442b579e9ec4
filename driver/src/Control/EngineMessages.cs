using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;
using CsiThin.Driver.Volumes;
using CsiThin.V1;
using Google.Protobuf.WellKnownTypes;
using VolumeUsage = CsiThin.Core.Pool.VolumeUsage;

namespace CsiThin.Driver.Control;

/// <summary>
/// The records of the floors below as the engine's API has them, and back: the one place that knows both. What the other side says and
/// makes no sense is <see cref="VolumeError.InvalidArgument"/>, on either side.
/// </summary>
internal static class EngineMessages
{
    /// <summary>A pool's state under its name.</summary>
    public static V1.Pool ToPool(string name, PoolStatus status) => new()
    {
        Uuid = status.Uuid.ToString("N"),
        Name = name,
        Mode = Describe.Mode(status.Mode),
        NeedsCheck = status.NeedsCheck,
        TransactionId = status.TransactionId,
        DataBlockBytes = status.DataBlockBytes,
        DataBlocksTotal = status.DataBlocksTotal,
        DataBlocksUsed = status.DataBlocksUsed,
        MetadataBlocksTotal = status.MetadataBlocksTotal,
        MetadataBlocksUsed = status.MetadataBlocksUsed,
        MetadataRegions = { status.Extents.Select(static extent => ToRegion(extent.Metadata)) },
        DataRegions = { status.Extents.Select(static extent => ToRegion(extent.Data)) },
        ProvisionedBytes = status.ProvisionedBytes,
        DyingVolumes = status.DyingVolumes,
        DyingBytes = status.DyingBytes,
        Commits = status.Commits,
        DataLevel = Describe.Level(status.DataLevel),
        MetadataLevel = Describe.Level(status.MetadataLevel),
        MetadataBlocksReserved = status.MetadataBlocksReserved,
        WaitingRequests = status.WaitingRequests,
        SpaceWait = Duration.FromTimeSpan(status.SpaceWait),
        NoSpaceFailures = status.NoSpaceFailures,
        DevicePath = status.DevicePath ?? "",
    };

    /// <summary>The state that <see cref="ToPool"/> wrote.</summary>
    public static PoolStatus ToStatus(V1.Pool pool) => new()
    {
        Uuid = ReadPool(pool.Uuid),
        Mode = ReadMode(pool.Mode),
        NeedsCheck = pool.NeedsCheck,
        TransactionId = pool.TransactionId,
        DataBlockBytes = pool.DataBlockBytes,
        DataBlocksTotal = pool.DataBlocksTotal,
        DataBlocksUsed = pool.DataBlocksUsed,
        MetadataBlocksTotal = pool.MetadataBlocksTotal,
        MetadataBlocksUsed = pool.MetadataBlocksUsed,
        Extents = [.. pool.MetadataRegions.Zip(
            pool.DataRegions, static (metadata, data) => new PoolExtent(ReadRegion(metadata), ReadRegion(data)))],
        ProvisionedBytes = pool.ProvisionedBytes,
        DyingVolumes = pool.DyingVolumes,
        DyingBytes = pool.DyingBytes,
        Commits = pool.Commits,
        DataLevel = ReadLevel(pool.DataLevel),
        MetadataLevel = ReadLevel(pool.MetadataLevel),
        MetadataBlocksReserved = pool.MetadataBlocksReserved,
        WaitingRequests = pool.WaitingRequests,
        SpaceWait = pool.SpaceWait?.ToTimeSpan() ?? default,
        NoSpaceFailures = pool.NoSpaceFailures,
        DevicePath = pool.DevicePath.Length > 0 ? pool.DevicePath : null,
    };

    /// <summary>A volume or snapshot.</summary>
    public static Volume ToVolume(VolumeInfo volume) => new()
    {
        Id = volume.Id.ToString(),
        Name = volume.Name,
        IsSnapshot = volume.Kind == VolumeKind.Snapshot,
        ThinId = volume.ThinId.Value,
        SizeBytes = volume.SizeBytes,
        SourceId = volume.Source?.ToString() ?? "",
        SourceIsSnapshot = volume.SourceKind == VolumeKind.Snapshot,
        Parameters = { volume.Parameters.ToDictionary() },
        CreatedAt = Timestamp.FromDateTimeOffset(volume.CreatedAt),
    };

    /// <summary>The volume that <see cref="ToVolume"/> wrote.</summary>
    public static VolumeInfo ToInfo(Volume volume) => new()
    {
        Id = ReadId(volume.Id),
        Name = volume.Name,
        Kind = ReadKind(volume.IsSnapshot),
        ThinId = new ThinId(volume.ThinId),
        SizeBytes = volume.SizeBytes,
        Source = volume.SourceId.Length > 0 ? ReadId(volume.SourceId) : null,
        SourceKind = ReadKind(volume.SourceIsSnapshot),
        Parameters = volume.Parameters.ToDictionary(StringComparer.Ordinal),
        CreatedAt = volume.CreatedAt?.ToDateTimeOffset() ?? DateTimeOffset.UnixEpoch,
    };

    /// <summary>A volume with what it occupies.</summary>
    public static V1.VolumeUsage ToUsage(VolumeUsage usage) => new()
    {
        Volume = ToVolume(usage.Volume),
        MappedBytes = usage.MappedBytes,
        OpenHandles = usage.OpenHandles,
        WaitingRequests = usage.Space.WaitingRequests,
        SpaceWait = Duration.FromTimeSpan(usage.Space.Waited),
        NoSpaceFailures = usage.Space.Failures,
    };

    /// <summary>What <see cref="ToUsage"/> wrote.</summary>
    public static VolumeUsage ToVolumeUsage(V1.VolumeUsage usage) =>
        new(ToInfo(usage.Volume), usage.MappedBytes, usage.OpenHandles)
        {
            Space = new SpaceWaiting(usage.WaitingRequests, usage.SpaceWait?.ToTimeSpan() ?? default, usage.NoSpaceFailures),
        };

    /// <summary>A volume that is asked for.</summary>
    public static CreateVolumeRequest ToCreate(Guid pool, VolumeSpec spec) => new()
    {
        PoolUuid = pool.ToString("N"),
        Name = spec.Name,
        IsSnapshot = spec.Kind == VolumeKind.Snapshot,
        SizeBytes = spec.SizeBytes,
        SourceId = spec.Source?.ToString() ?? "",
        Parameters = { spec.Parameters.ToDictionary() },
    };

    /// <summary>What <see cref="ToCreate"/> wrote.</summary>
    public static VolumeSpec ToSpec(CreateVolumeRequest request) => new()
    {
        Name = request.Name,
        Kind = ReadKind(request.IsSnapshot),
        SizeBytes = request.SizeBytes,
        Source = request.SourceId.Length > 0 ? ReadId(request.SourceId) : null,
        Parameters = request.Parameters.ToDictionary(StringComparer.Ordinal),
    };

    /// <summary>A block device.</summary>
    public static Device ToDevice(AttachedDevice device) => new()
    {
        VolumeId = device.Volume.ToString(),
        Path = device.Path,
        Major = device.Major,
        Minor = device.Minor,
        ReadOnly = device.ReadOnly,
        SizeBytes = device.SizeBytes,
        BlockBytes = device.BlockBytes,
    };

    /// <summary>The device that <see cref="ToDevice"/> wrote.</summary>
    public static AttachedDevice ToAttached(Device device) => new(
        ReadId(device.VolumeId), device.Path, device.Major, device.Minor, device.ReadOnly, device.SizeBytes, device.BlockBytes);

    /// <summary>What is on a volume.</summary>
    public static Content ToContent(VolumeContent content) => content switch
    {
        VolumeContent.Unwritten => Content.Unwritten,
        VolumeContent.Blank => Content.Blank,
        _ => Content.HoldsData,
    };

    /// <summary>What <see cref="ToContent"/> wrote; whatever else it says is data to somebody.</summary>
    public static VolumeContent ToVolumeContent(Content content) => content switch
    {
        Content.Unwritten => VolumeContent.Unwritten,
        Content.Blank => VolumeContent.Blank,
        _ => VolumeContent.HoldsData,
    };

    /// <summary>A handle.</summary>
    public static VolumeId ReadId(string text) => VolumeId.TryParse(text, out var id)
        ? id
        : throw new VolumeException(VolumeError.InvalidArgument, $"{NameRules.Quote(text)} is no handle of a volume or snapshot");

    /// <summary>Volume or snapshot.</summary>
    public static VolumeKind ReadKind(bool isSnapshot) => isSnapshot ? VolumeKind.Snapshot : VolumeKind.Volume;

    private static Guid ReadPool(string text) => Guid.TryParseExact(text, "N", out var uuid)
        ? uuid
        : throw new VolumeException(VolumeError.InvalidArgument, $"{NameRules.Quote(text)} is no uuid of a pool");

    // A mode that a later engine may have is none that takes volumes.
    private static PoolMode ReadMode(string text) =>
        System.Enum.GetValues<PoolMode>().Where(mode => Describe.Mode(mode) == text).Append(PoolMode.Failed).First();

    private static SpaceLevel ReadLevel(string text) =>
        System.Enum.GetValues<SpaceLevel>().FirstOrDefault(level => Describe.Level(level) == text);

    private static Region ToRegion(RegionExtent extent) => new() { OffsetBytes = extent.OffsetBytes, LengthBytes = extent.LengthBytes };

    private static RegionExtent ReadRegion(Region region) => new(region.OffsetBytes, region.LengthBytes);
}
