using System.Diagnostics.CodeAnalysis;

namespace CsiThin.Driver.Volumes;

/// <summary>A pool of this process with the name the administrator gave it.</summary>
internal sealed record NamedEnginePool(string Name, IEnginePool Pool);

/// <summary>The pools that this process owns, from its start to its end. Immutable, hence free for all threads.</summary>
internal sealed class EnginePools : IPoolSource
{
    private readonly Dictionary<Guid, NamedEnginePool> _byUuid;
    private readonly Task<PoolSet> _set;

    /// <summary>See <see cref="PoolSet"/> for what is refused.</summary>
    public EnginePools(IEnumerable<NamedEnginePool> pools)
    {
        All = [.. pools.OrderBy(pool => pool.Name, StringComparer.Ordinal)];
        _set = Task.FromResult(new PoolSet(All.Select(pool => new NamedPool(pool.Name, pool.Pool))));
        _byUuid = All.ToDictionary(pool => pool.Pool.Uuid);
    }

    /// <summary>Ordered by name.</summary>
    public IReadOnlyList<NamedEnginePool> All { get; }

    /// <summary>The pool a handle belongs to, if it is open here.</summary>
    public bool TryFind(Guid uuid, [MaybeNullWhen(false)] out NamedEnginePool pool) => _byUuid.TryGetValue(uuid, out pool);

    /// <inheritdoc/>
    public Task<PoolSet> GetPoolsAsync(CancellationToken cancellation) => _set;
}
