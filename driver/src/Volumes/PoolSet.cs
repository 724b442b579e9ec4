using System.Diagnostics.CodeAnalysis;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Driver.Volumes;

/// <summary>A pool with the name the administrator gave it.</summary>
internal sealed record NamedPool(string Name, IVolumePool Pool);

/// <summary>
/// The pools of one engine at one moment: found by name (a parameter says it), by uuid (a handle carries it), or chosen by free space.
/// Immutable, hence free for all threads.
/// </summary>
internal sealed class PoolSet
{
    private readonly Dictionary<Guid, NamedPool> _byUuid;
    private readonly Dictionary<string, NamedPool> _byName;

    /// <summary>Names and uuids must differ: a name given twice, or one pool given under two names, is refused.</summary>
    public PoolSet(IEnumerable<NamedPool> pools)
    {
        All = [.. pools.OrderBy(pool => pool.Name, StringComparer.Ordinal)];
        _byName = new Dictionary<string, NamedPool>(StringComparer.Ordinal);
        _byUuid = [];
        foreach (var pool in All)
        {
            if (!_byName.TryAdd(pool.Name, pool))
                throw new VolumeException(VolumeError.InvalidArgument, $"two pools are named {NameRules.Quote(pool.Name)}");
            if (!_byUuid.TryAdd(pool.Pool.Uuid, pool))
                throw new VolumeException(
                    VolumeError.InvalidArgument, $"pool {NameRules.Quote(pool.Name)} has the uuid {pool.Pool.Uuid:N} of another pool");
        }
    }

    /// <summary>Ordered by name.</summary>
    public IReadOnlyList<NamedPool> All { get; }

    /// <summary>The pool a handle belongs to, if it is open here.</summary>
    public bool TryFind(Guid uuid, [MaybeNullWhen(false)] out NamedPool pool) => _byUuid.TryGetValue(uuid, out pool);

    /// <summary>The pool of that name, if there is one here.</summary>
    public bool TryFind(string name, [MaybeNullWhen(false)] out NamedPool pool) => _byName.TryGetValue(name, out pool);

    /// <summary>The pool of that name; <see cref="VolumeError.InvalidArgument"/> naming the nearest and those there are.</summary>
    public NamedPool ByName(string what, string name) => TryFind(name, out var pool)
        ? pool
        : throw new VolumeException(
            VolumeError.InvalidArgument,
            $"{what}: there is no pool {NameRules.Quote(name)} here; " + (NearestName.Of(name, _byName.Keys) is { } nearest
                ? $"the nearest name is {NameRules.Quote(nearest)} of {string.Join(", ", All.Select(known => NameRules.Quote(known.Name)))}"
                : "there is none at all"));

    /// <summary>
    /// The pool with the most free bytes that takes new volumes. When all that can be written refuse them it is one of those, so that the
    /// caller reads why.
    /// </summary>
    public async Task<NamedPool> WithMostSpaceAsync(string what, CancellationToken cancellation)
    {
        var states = new List<(NamedPool Pool, PoolStatus Status)>();
        foreach (var pool in All)
            states.Add((pool, await pool.Pool.GetStatusAsync(cancellation).ConfigureAwait(false)));
        var best = states.Where(state => state.Status.Mode == PoolMode.Write)
            .OrderByDescending(state => TakesVolumes(state.Status))
            .ThenByDescending(state => FreeBytes(state.Status))
            .FirstOrDefault();
        return best.Pool ?? throw new VolumeException(VolumeError.NoPool, $"{what}: no pool here takes new volumes ({Modes(states)})");
    }

    /// <summary>The volume or snapshot of that name in whichever pool.</summary>
    public async Task<(NamedPool Pool, VolumeInfo Volume)?> FindByNameAsync(
        VolumeKind kind, string name, CancellationToken cancellation)
    {
        foreach (var pool in All)
        {
            if (await pool.Pool.FindVolumeByNameAsync(kind, name, cancellation).ConfigureAwait(false) is { } volume)
                return (pool, volume);
        }

        return null;
    }

    /// <summary>Data bytes not in use.</summary>
    public static long FreeBytes(PoolStatus status) => (long)(status.DataBlocksTotal - status.DataBlocksUsed) * status.DataBlockBytes;

    /// <summary>New volumes are not refused for want of space or in this mode.</summary>
    public static bool TakesVolumes(PoolStatus status) => status.Mode == PoolMode.Write
        && status.DataLevel < SpaceLevel.VolumesRefused && status.MetadataLevel < SpaceLevel.VolumesRefused;

    private static string Modes(IEnumerable<(NamedPool Pool, PoolStatus Status)> states) =>
        string.Join(", ", states.Select(state => $"{NameRules.Quote(state.Pool.Name)} is {Describe.Mode(state.Status.Mode)}"));
}
