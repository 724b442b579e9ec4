using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Csi;

/// <summary>
/// Reads requests into what the Volumes floor takes. Pure: looks at nothing but the request, throws <see cref="VolumeException"/>
/// for what makes no sense, so that a bad request ends before anything is locked or looked up.
/// </summary>
internal static class RequestRules
{
    /// <summary>The volume that is asked for.</summary>
    public static VolumeRequest ReadCreate(CreateVolumeRequest request, NodeTopology topology)
    {
        NameRules.Check("volume", request.Name);
        var what = Describe.Thing(VolumeKind.Volume, request.Name);
        CapabilityRules.Check(what, request.VolumeCapabilities);
        ParameterRules.CheckVolume(what, request.Parameters);
        ParameterRules.CheckMutable(what, request.MutableParameters);
        var (requiredBytes, limitBytes) = ReadRange(what, request.CapacityRange);
        var (handle, kind) = ReadSource(what, request.VolumeContentSource);
        topology.Check(what, request.AccessibilityRequirements);
        return new VolumeRequest
        {
            Name = request.Name,
            RequiredBytes = requiredBytes,
            LimitBytes = limitBytes,
            SourceHandle = handle,
            SourceKind = kind,
            Parameters = Together(request.Parameters, request.MutableParameters),
        };
    }

    /// <summary>The snapshot that is asked for.</summary>
    public static SnapshotRequest ReadSnapshot(CreateSnapshotRequest request)
    {
        NameRules.Check("snapshot", request.Name);
        var what = Describe.Thing(VolumeKind.Snapshot, request.Name);
        ParameterRules.CheckSnapshot(what, request.Parameters);
        return new SnapshotRequest
        {
            Name = request.Name,
            SourceHandle = Required(what, "source_volume_id", request.SourceVolumeId),
            Parameters = request.Parameters.AsReadOnly(),
        };
    }

    /// <summary>The range of an expansion, which must be given.</summary>
    public static (long RequiredBytes, long LimitBytes) ReadExpand(ControllerExpandVolumeRequest request)
    {
        var what = Describe.Thing(VolumeKind.Volume, Required("expansion", "volume_id", request.VolumeId));
        if (request.CapacityRange is not { } range || (range.RequiredBytes == 0 && range.LimitBytes == 0))
            throw Invalid($"{what}: capacity_range is missing; required_bytes must say the size to grow to");
        if (request.VolumeCapability is { } capability)
            CapabilityRules.Check(what, [capability]);
        return ReadRange(what, range);
    }

    /// <summary>The volume that is to change, and how; one change at least must be given.</summary>
    public static (string Handle, IReadOnlyDictionary<string, string> Parameters) ReadModify(ControllerModifyVolumeRequest request)
    {
        var handle = Required("modification", "volume_id", request.VolumeId);
        return request.MutableParameters.Count > 0
            ? (handle, request.MutableParameters.AsReadOnly())
            : throw Invalid($"{Describe.Thing(VolumeKind.Volume, handle)}: mutable_parameters is empty; one at least must be given");
    }

    /// <summary>The value of a field that must not be empty.</summary>
    public static string Required(string what, string field, string value) =>
        value.Length > 0 ? value : throw Invalid($"{what}: {field} is missing");

    /// <summary>A range of sizes; (0, 0) leaves them open.</summary>
    public static (long RequiredBytes, long LimitBytes) ReadRange(string what, CapacityRange? range)
    {
        if (range is null)
            return (0, 0);
        SizeRules.CheckRange(what, range.RequiredBytes, range.LimitBytes);
        return (range.RequiredBytes, range.LimitBytes);
    }

    private static (string? Handle, VolumeKind? Kind) ReadSource(string what, VolumeContentSource? source) => source?.TypeCase switch
    {
        null => (null, null),
        VolumeContentSource.TypeOneofCase.Snapshot =>
            (Required(what, "snapshot_id of the content source", source.Snapshot.SnapshotId), VolumeKind.Snapshot),
        VolumeContentSource.TypeOneofCase.Volume =>
            (Required(what, "volume_id of the content source", source.Volume.VolumeId), VolumeKind.Volume),
        _ => throw Invalid($"{what}: the content source is neither a snapshot nor a volume"),
    };

    // CSI, CreateVolumeRequest: mutable_parameters take precedence over parameters of the same name.
    private static Dictionary<string, string> Together(IDictionary<string, string> parameters, IDictionary<string, string> mutable)
    {
        var all = new Dictionary<string, string>(parameters, StringComparer.Ordinal);
        foreach (var (key, value) in mutable)
            all[key] = value;
        return all;
    }

    private static VolumeException Invalid(string message) => new(VolumeError.InvalidArgument, message);
}
