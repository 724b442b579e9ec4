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

    private const string SidecarPrefix = "csi.storage.k8s.io/";

    private static readonly string[] ForVolumes = [Pool, FileSystem];
    private static readonly string[] ForSnapshots = [];

    /// <summary>
    /// Throws <see cref="VolumeError.InvalidArgument"/> naming an unknown parameter of a new volume and the nearest known one.
    /// </summary>
    public static void CheckVolume(string what, IEnumerable<KeyValuePair<string, string>> parameters) =>
        Check(what, parameters, ForVolumes);

    /// <summary>The same for a new snapshot.</summary>
    public static void CheckSnapshot(string what, IEnumerable<KeyValuePair<string, string>> parameters) =>
        Check(what, parameters, ForSnapshots);

    /// <summary>
    /// Null when both make the same volume, else the difference in words. The sidecars' notes about claims make no difference, and where a
    /// volume lives is asked of the pools, not of what was once requested.
    /// </summary>
    public static string? Difference(IReadOnlyDictionary<string, string> existing, IReadOnlyDictionary<string, string> asked)
    {
        var was = existing.GetValueOrDefault(FileSystem, "");
        var now = asked.GetValueOrDefault(FileSystem, "");
        return was == now ? null : $"its parameter '{FileSystem}' is {NameRules.Quote(was)}, not {NameRules.Quote(now)}";
    }

    private static void Check(string what, IEnumerable<KeyValuePair<string, string>> parameters, string[] known)
    {
        foreach (var (key, _) in parameters)
        {
            if (known.Contains(key) || key.StartsWith(SidecarPrefix, StringComparison.Ordinal))
                continue;
            var hint = Nearest(key, known) is { } nearest ? $"; the nearest known one is '{nearest}'" : "; no parameter is known here";
            throw new VolumeException(VolumeError.InvalidArgument, $"{what}: unknown parameter {NameRules.Quote(key)}{hint}");
        }
    }

    /// <summary>
    /// The known key most like <paramref name="key"/>. A key is often written without its prefix, so the last part counts as well as the whole.
    /// </summary>
    public static string? Nearest(string key, string[] known)
    {
        var cut = key.Length > 128 ? key[..128] : key;
        return known.MinBy(candidate => Math.Min(EditDistance(cut, candidate), EditDistance(cut, candidate.Split('/')[^1])));
    }

    /// <summary>Levenshtein's distance without regard to case, one row at a time.</summary>
    private static int EditDistance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        foreach (var character in one)
        {
            var diagonal = row[0]++;
            for (var column = 1; column <= other.Length; column++)
            {
                var same = char.ToLowerInvariant(character) == char.ToLowerInvariant(other[column - 1]);
                (row[column], diagonal) = (Math.Min(Math.Min(row[column], row[column - 1]) + 1, diagonal + (same ? 0 : 1)), row[column]);
            }
        }

        return row[^1];
    }
}
