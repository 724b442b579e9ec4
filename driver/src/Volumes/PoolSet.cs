using System.Diagnostics.CodeAnalysis;
using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>A pool with the name the administrator gave it.</summary>
internal sealed record NamedPool(string Name, IVolumePool Pool);

/// <summary>
/// The pools of this process: found by name (a parameter says it), by uuid (a handle carries it), or chosen by free space. Immutable,
/// hence free for all threads.
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

    /// <summary>The pool of that name; <see cref="VolumeError.InvalidArgument"/> naming those there are.</summary>
    public NamedPool ByName(string what, string name) => TryFind(name, out var pool)
        ? pool
        : throw new VolumeException(
            VolumeError.InvalidArgument,
            $"{what}: there is no pool {NameRules.Quote(name)} here; there is " +
            string.Join(", ", All.Select(known => NameRules.Quote(known.Name))));

    /// <summary>The writable pool with the most free bytes.</summary>
    public NamedPool WithMostSpace(string what)
    {
        var best = All.Select(pool => (Pool: pool, Status: pool.Pool.GetStatus()))
            .Where(candidate => candidate.Status.Mode == PoolMode.Write)
            .OrderByDescending(candidate => FreeBytes(candidate.Status))
            .FirstOrDefault();
        return best.Pool ?? throw new VolumeException(VolumeError.NoPool, $"{what}: no pool here takes new volumes ({Modes()})");
    }

    /// <summary>The volume or snapshot of that name in whichever pool.</summary>
    public (NamedPool Pool, VolumeInfo Volume)? FindByName(VolumeKind kind, string name)
    {
        foreach (var pool in All)
        {
            if (pool.Pool.FindVolumeByName(kind, name) is { } volume)
                return (pool, volume);
        }

        return null;
    }

    /// <summary>Data bytes not in use.</summary>
    public static long FreeBytes(PoolStatus status) => (long)(status.DataBlocksTotal - status.DataBlocksUsed) * status.DataBlockBytes;

    private string Modes() =>
        string.Join(", ", All.Select(pool => $"{NameRules.Quote(pool.Name)} is {Describe.Mode(pool.Pool.GetStatus().Mode)}"));
}
