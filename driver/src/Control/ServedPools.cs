using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Control;

/// <summary>Finds the pool that a request means among those of this engine.</summary>
internal static class ServedPools
{
    /// <summary>The pool of that uuid; <see cref="VolumeError.NotFound"/> when this engine has none such.</summary>
    public static NamedEnginePool Find(EnginePools pools, string uuid) =>
        Guid.TryParseExact(uuid, "N", out var id) ? Find(pools, id) : throw NotServed(uuid);

    /// <summary>The same for a uuid that has been read.</summary>
    public static NamedEnginePool Find(EnginePools pools, Guid uuid) =>
        pools.TryFind(uuid, out var pool) ? pool : throw NotServed(uuid.ToString("N"));

    private static VolumeException NotServed(string uuid) =>
        new(VolumeError.NotFound, $"this engine serves no pool {NameRules.Quote(uuid)}");
}
