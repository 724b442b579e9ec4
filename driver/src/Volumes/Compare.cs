using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>Whether what exists under a name is what is asked for: null, or the first difference in words.</summary>
internal static class Compare
{
    /// <summary>An existing volume in <paramref name="pool"/> and a request for its name.</summary>
    public static string? Differs(VolumeRequest request, NamedPool pool, VolumeInfo existing)
    {
        if (request.Parameters.TryGetValue(ParameterRules.Pool, out var asked) && asked != pool.Name)
            return $"it is in pool {NameRules.Quote(pool.Name)}, not in {NameRules.Quote(asked)}";
        if (SourceDiffers(existing, request.SourceHandle, request.SourceKind) is { } source)
            return source;
        return SizeRules.Difference(existing.SizeBytes, request.RequiredBytes, request.LimitBytes)
            ?? ParameterRules.Difference(existing.Parameters, request.Parameters);
    }

    /// <summary>An existing snapshot and a request for its name.</summary>
    public static string? Differs(SnapshotRequest request, VolumeInfo existing) =>
        SourceDiffers(existing, request.SourceHandle, VolumeKind.Volume);

    private static string? SourceDiffers(VolumeInfo existing, string? askedHandle, VolumeKind? askedKind)
    {
        var handle = existing.Source?.ToString();
        if (handle == askedHandle && (handle is null || askedKind is null || askedKind == existing.SourceKind))
            return null;
        var was = handle is null ? "was made empty" : $"was made from {Describe.Thing(existing.SourceKind, handle)}";
        var now = askedHandle is null ? "empty" : $"from {Describe.Thing(askedKind ?? VolumeKind.Volume, askedHandle)}";
        return $"it {was}, not {now}";
    }
}
