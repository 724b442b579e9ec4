using CsiThin.Core.Pool;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// What an administrator declares: on nodes with these labels one device that looks so becomes the pool of this name. Made by
/// <see cref="Of"/>, which refuses what makes no sense with <see cref="VolumeException"/>.
/// </summary>
internal sealed record PoolDeclaration
{
    private const int QueueSecondsMax = 86_400;

    /// <summary>The pool's name, as a StorageClass names it.</summary>
    public required string Name { get; init; }

    /// <summary>Labels a node must have; empty: every node.</summary>
    public IReadOnlyDictionary<string, string> NodeSelector { get; init; } = new Dictionary<string, string>();

    /// <summary>Paths of devices, with <c>*</c> and <c>?</c> in their last part.</summary>
    public required IReadOnlyList<string> Paths { get; init; }

    /// <summary>Smaller ones are not meant.</summary>
    public long MinimumBytes { get; init; }

    /// <summary>Larger ones are not meant.</summary>
    public long MaximumBytes { get; init; } = long.MaxValue;

    /// <summary>Of a pool yet to be made; null: the engine's own choice.</summary>
    public long? DataBlockBytes { get; init; }

    /// <summary>The same as the object's spec, but for the node.</summary>
    public required ThinPoolSpec Spec { get; init; }

    /// <summary>Whether it is meant for a node with these labels.</summary>
    public bool AppliesTo(IReadOnlyDictionary<string, string> nodeLabels) =>
        NodeSelector.All(wanted => nodeLabels.GetValueOrDefault(wanted.Key) == wanted.Value);

    /// <summary>
    /// The declaration in a spec. <paramref name="where"/> begins each refusal: the file or the object it comes from.
    /// </summary>
    public static PoolDeclaration Of(string where, ThinPoolSpec spec, IReadOnlyDictionary<string, string>? nodeSelector = null)
    {
        var name = spec.PoolName ?? throw Refuse(where, "a pool has no name");
        NameRules.Check("pool", name);
        var pool = $"{where}: pool {NameRules.Quote(name)}";
        var paths = spec.Devices?.Paths ?? [];
        if (paths.Count == 0)
            throw Refuse(pool, "devices.paths is empty: say which devices are meant");
        foreach (var path in paths)
            CheckPath(pool, path);
        var minimumBytes = Size(pool, "devices.minimumSize", spec.Devices!.MinimumSize) ?? 0;
        var maximumBytes = Size(pool, "devices.maximumSize", spec.Devices.MaximumSize) ?? long.MaxValue;
        if (minimumBytes > maximumBytes)
            throw Refuse(
                pool, $"devices.minimumSize {spec.Devices.MinimumSize} is above devices.maximumSize {spec.Devices.MaximumSize}");
        if (spec.Thresholds is { } thresholds)
            CheckThresholds(pool, thresholds);
        return new PoolDeclaration
        {
            Name = name,
            NodeSelector = nodeSelector ?? new Dictionary<string, string>(),
            Paths = paths,
            MinimumBytes = minimumBytes,
            MaximumBytes = maximumBytes,
            DataBlockBytes = BlockSize(pool, spec.BlockSize),
            Spec = spec with { NodeName = null },
        };
    }

    private static void CheckPath(string pool, string path)
    {
        if (!path.StartsWith("/dev/", StringComparison.Ordinal) || path.Split('/').Any(part => part is "." or ".."))
            throw Refuse(pool, $"devices.paths: {NameRules.Quote(path)} is no path below /dev");
        if (Path.GetDirectoryName(path)!.AsSpan().ContainsAny('*', '?'))
            throw Refuse(pool, $"devices.paths: {NameRules.Quote(path)} has * or ? before its last part");
    }

    private static long? Size(string pool, string field, string? text) => text is null
        ? null
        : Quantity.Parse(text) ?? throw Refuse(pool, $"{field}: {NameRules.Quote(text)} is no size such as 100Gi");

    private static long? BlockSize(string pool, string? text)
    {
        const long least = 64 << 10, most = 1 << 30;
        if (Size(pool, "blockSize", text) is not { } bytes)
            return null;
        return bytes is >= least and <= most && bytes % least == 0
            ? bytes
            : throw Refuse(pool, $"blockSize: {text} is no multiple of 64Ki from 64Ki to 1Gi");
    }

    private static void CheckThresholds(string pool, ThinPoolThresholds thresholds)
    {
        CheckPercent(pool, "thresholds.nearlyFullPercent", thresholds.NearlyFullPercent);
        CheckPercent(pool, "thresholds.metadataLowPercent", thresholds.MetadataLowPercent);
        CheckPercent(pool, "thresholds.snapshotsRefusedPercent", thresholds.SnapshotsRefusedPercent);
        CheckPercent(pool, "thresholds.volumesRefusedPercent", thresholds.VolumesRefusedPercent);
        if (thresholds.QueueSeconds is < 0 or > QueueSecondsMax)
            throw Refuse(pool, $"thresholds.queueSeconds: {thresholds.QueueSeconds} is not within 0 to {QueueSecondsMax}");
        try
        {
            thresholds.OfData().Check();
            thresholds.OfMetadata().Check();
        }
        catch (PoolException senseless)
        {
            throw Refuse(pool, $"thresholds: {senseless.Message}");
        }
    }

    private static void CheckPercent(string pool, string field, int? percent)
    {
        if (percent is < 1 or > 100)
            throw Refuse(pool, $"{field}: {percent} is not within 1 to 100");
    }

    private static VolumeException Refuse(string where, string what) => new(VolumeError.InvalidArgument, $"{where}: {what}");
}
