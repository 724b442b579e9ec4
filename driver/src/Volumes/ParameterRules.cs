using CsiThin.Core.Pool.Space;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// The parameters of a StorageClass or VolumeSnapshotClass. An unknown one is refused: a misspelt parameter that is ignored is found out
/// when the data is already in the wrong place. Keys under <c>csi.storage.k8s.io/</c> come from the sidecars and are kept, whatever they
/// are.
/// </summary>
internal static class ParameterRules
{
    /// <summary>The name of the pool the volume is to live in.</summary>
    public const string Pool = "pool";

    /// <summary>The file system the node makes on the volume.</summary>
    public const string FileSystem = "csi.storage.k8s.io/fstype";

    /// <summary>More options for mkfs, separated by spaces, such as <c>-m 1 -i 65536</c>.</summary>
    public const string MkfsOptions = "mkfsOptions";

    /// <summary>The logical block size of the device in bytes, 512 (as if not given) or 4096.</summary>
    public const string SectorSize = "sectorSize";

    /// <summary>What becomes of writes when the pool is full: <c>queue</c> (as if not given) or <c>error</c>.</summary>
    public const string WhenFull = FullPolicies.Parameter;

    /// <summary>Set on a volume that lives and dies with one pod; no StorageClass sets it.</summary>
    public const string Ephemeral = "csi.storage.k8s.io/ephemeral";

    /// <summary>The provisioner's note of the claim (its option --extra-create-metadata); not all volumes have one.</summary>
    public const string Claim = "csi.storage.k8s.io/pvc/name";

    /// <summary>The namespace of the claim, likewise.</summary>
    public const string ClaimNamespace = "csi.storage.k8s.io/pvc/namespace";

    /// <summary>The PersistentVolume, likewise.</summary>
    public const string PersistentVolume = "csi.storage.k8s.io/pv/name";

    /// <summary>The snapshotter's note of the VolumeSnapshot, likewise.</summary>
    public const string VolumeSnapshot = "csi.storage.k8s.io/volumesnapshot/name";

    /// <summary>The namespace of the VolumeSnapshot, likewise.</summary>
    public const string VolumeSnapshotNamespace = "csi.storage.k8s.io/volumesnapshot/namespace";

    private const int MkfsOptionsMax = 32;
    private const string SidecarPrefix = "csi.storage.k8s.io/";

    private static readonly string[] ForVolumes = [Pool, FileSystem, MkfsOptions, SectorSize, WhenFull];
    private static readonly string[] ShapeContent = [FileSystem, MkfsOptions, SectorSize];
    private static readonly string[] Mutable = [WhenFull];
    private static readonly string[] ForSnapshots = [];

    /// <summary>
    /// Throws <see cref="VolumeError.InvalidArgument"/> naming an unknown parameter of a new volume and the nearest known one.
    /// </summary>
    public static void CheckVolume(string what, IEnumerable<KeyValuePair<string, string>> parameters)
    {
        foreach (var (key, value) in Check(what, parameters, ForVolumes))
        {
            if (key == MkfsOptions)
                CheckMkfsOptions(what, value);
            if (key == SectorSize && value is not ("512" or "4096"))
                throw Invalid($"{what}: parameter '{SectorSize}' is {NameRules.Quote(value)}; it must be 512 or 4096");
            if (key == WhenFull)
                CheckWhenFull(what, value);
        }
    }

    /// <summary>
    /// The same for parameters that a VolumeAttributesClass gives to a volume, new or living: those of a volume that decide about its
    /// content or its place are refused, for nothing could be done about them later.
    /// </summary>
    public static void CheckMutable(string what, IEnumerable<KeyValuePair<string, string>> parameters)
    {
        foreach (var (key, value) in parameters)
        {
            if (ForVolumes.Except(Mutable).Contains(key))
                throw Invalid($"{what}: parameter '{key}' cannot be changed; what can is '{string.Join("', '", Mutable)}'");
            if (!Mutable.Contains(key))
                throw Invalid(
                    $"{what}: unknown mutable parameter {NameRules.Quote(key)}; the nearest known one is '{NearestName.Of(key, Mutable)}'");
            CheckWhenFull(what, value);
        }
    }

    /// <summary>The same for a new snapshot.</summary>
    public static void CheckSnapshot(string what, IEnumerable<KeyValuePair<string, string>> parameters) =>
        _ = Check(what, parameters, ForSnapshots);

    /// <summary>The options in a value of <see cref="MkfsOptions"/>.</summary>
    public static string[] SplitOptions(string value) =>
        value.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>
    /// Null when both make the same volume, else the difference in words. The sidecars' notes about claims make no difference, and where a
    /// volume lives is asked of the pools, not of what was once requested.
    /// </summary>
    public static string? Difference(IReadOnlyDictionary<string, string> existing, IReadOnlyDictionary<string, string> asked)
    {
        foreach (var key in ShapeContent)
        {
            var was = existing.GetValueOrDefault(key, "");
            var now = asked.GetValueOrDefault(key, "");
            if (was != now)
                return $"its parameter '{key}' is {NameRules.Quote(was)}, not {NameRules.Quote(now)}";
        }

        return WhenFullDiffers(existing, asked);
    }

    /// <summary>
    /// Null when a volume with the parameters <paramref name="existing"/> is as the mutable ones in <paramref name="asked"/> want it, else
    /// the difference in words.
    /// </summary>
    public static string? Lacks(IReadOnlyDictionary<string, string> existing, IReadOnlyDictionary<string, string> asked) =>
        asked.ContainsKey(WhenFull) ? WhenFullDiffers(existing, asked) : null;

    private static string? WhenFullDiffers(IReadOnlyDictionary<string, string> existing, IReadOnlyDictionary<string, string> asked)
    {
        var (does, wants) = (FullPolicies.Of(existing), FullPolicies.Of(asked));
        return does == wants ? null : $"its parameter '{WhenFull}' is '{Word(does)}', not '{Word(wants)}'";
    }

    private static void CheckWhenFull(string what, string value)
    {
        if (!FullPolicies.TryParse(value, out _))
            throw Invalid($"{what}: parameter '{WhenFull}' is {NameRules.Quote(value)}; it must be queue or error");
    }

    private static string Word(FullPolicy policy) => policy == FullPolicy.Error ? "error" : "queue";

    // No path is an option: mkfs would fill the volume with files of the host, or make its file system somewhere else.
    private static void CheckMkfsOptions(string what, string value)
    {
        var options = SplitOptions(value);
        if (options.Length > MkfsOptionsMax)
            throw Invalid($"{what}: parameter '{MkfsOptions}' has {options.Length} words, above the limit of {MkfsOptionsMax}");
        if (value.Any(char.IsControl) || value.Contains('/', StringComparison.Ordinal))
            throw Invalid($"{what}: parameter '{MkfsOptions}' {NameRules.Quote(value)} must not hold a path or a control character");
        if (options.Length > 0 && !options[0].StartsWith('-'))
            throw Invalid($"{what}: parameter '{MkfsOptions}' {NameRules.Quote(value)} must begin with an option, such as -i");
    }

    private static List<KeyValuePair<string, string>> Check(
        string what, IEnumerable<KeyValuePair<string, string>> parameters, string[] known)
    {
        var all = parameters.ToList();
        foreach (var (key, _) in all)
        {
            if (known.Contains(key) || key.StartsWith(SidecarPrefix, StringComparison.Ordinal))
                continue;
            var hint = NearestName.Of(key, known) is { } nearest
                ? $"; the nearest known one is '{nearest}'"
                : "; no parameter is known here";
            throw Invalid($"{what}: unknown parameter {NameRules.Quote(key)}{hint}");
        }

        return all;
    }

    private static VolumeException Invalid(string message) => new(VolumeError.InvalidArgument, message);
}
