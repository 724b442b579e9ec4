using System.Diagnostics.CodeAnalysis;

namespace CsiThin.Driver.Volumes;

/// <summary>A pool of this process with the name the administrator gave it.</summary>
internal sealed record NamedEnginePool(string Name, IEnginePool Pool);

/// <summary>
/// The pools that this process owns. One may come later than the others, none goes before the end.
/// <para>Concurrency: any thread; <c>_now</c> is replaced whole, by one thread at a time.</para>
/// </summary>
internal sealed class EnginePools : IPoolSource
{
    private readonly Lock _gate = new();
    private volatile Served _now;

    /// <summary>See <see cref="PoolSet"/> for what is refused.</summary>
    public EnginePools(IEnumerable<NamedEnginePool> pools) => _now = new Served([.. pools]);

    /// <summary>Ordered by name.</summary>
    public IReadOnlyList<NamedEnginePool> All => _now.All;

    /// <summary>Called with each pool that comes later, when it can be found already.</summary>
    public Action<NamedEnginePool>? Added { get; set; }

    /// <summary>One more; refused as by the constructor.</summary>
    public void Add(NamedEnginePool pool)
    {
        lock (_gate)
            _now = new Served([.. _now.All, pool]);
        Added?.Invoke(pool);
    }

    /// <summary>The pool a handle belongs to, if it is open here.</summary>
    public bool TryFind(Guid uuid, [MaybeNullWhen(false)] out NamedEnginePool pool) => _now.ByUuid.TryGetValue(uuid, out pool);

    /// <inheritdoc/>
    public Task<PoolSet> GetPoolsAsync(CancellationToken cancellation) => _now.Set;

    private sealed class Served
    {
        public Served(IReadOnlyList<NamedEnginePool> pools)
        {
            All = [.. pools.OrderBy(pool => pool.Name, StringComparer.Ordinal)];
            Set = Task.FromResult(new PoolSet(All.Select(pool => new NamedPool(pool.Name, pool.Pool))));
            ByUuid = All.ToDictionary(pool => pool.Pool.Uuid);
        }

        public IReadOnlyList<NamedEnginePool> All { get; }

        public Task<PoolSet> Set { get; }

        public Dictionary<Guid, NamedEnginePool> ByUuid { get; }
    }
}
