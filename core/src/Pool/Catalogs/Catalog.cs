using System.Globalization;
using System.Text;
using CsiThin.Core.Format;

namespace CsiThin.Core.Pool.Catalogs;

/// <summary>
/// The names, ids, sizes, sources and parameters of a pool's volumes and snapshots: what dm-thin has no place for. Changes gather in memory
/// and become true with the pool's next transaction id (<see cref="CatalogJournal"/>).
/// <para>
/// Concurrency: the pool's worker alone changes it. Readers on any thread see the last <em>committed</em> state through
/// <see cref="Committed"/>.
/// </para>
/// </summary>
internal sealed class Catalog
{
    private const int ParametersMax = 64;
    private const int ParameterBytesMax = 16 << 10;

    private readonly CatalogJournal _journal;
    private readonly Guid _pool;
    private readonly List<CatalogChange> _pending = [];
    private CatalogState _working;
    private CatalogState _committed;
    private ulong _nextNumber;
    private uint _nextThin;

    private Catalog(CatalogJournal journal, Guid pool, CatalogState state, ulong nextNumber)
    {
        _journal = journal;
        _pool = pool;
        _working = _committed = state;
        _nextNumber = nextNumber;
        _nextThin = state.ThinIds.Select(id => id.Value + 1).DefaultIfEmpty(1u).Max();
    }

    /// <summary>What readers may see.</summary>
    public CatalogState Committed => Volatile.Read(ref _committed);

    /// <summary>The committed state with the changes that wait for the next commit; for the worker.</summary>
    public CatalogState Working => _working;

    /// <summary>There are changes to commit.</summary>
    public bool IsDirty => _pending.Count > 0;

    /// <summary>Reads the catalog as of the superblock's transaction. Errors: Corrupt.</summary>
    public static Catalog Load(CatalogJournal journal, Guid pool, ulong transactionId)
    {
        var entries = new Dictionary<ulong, CatalogChange>();
        var next = journal.Load(transactionId, entries);
        if (CatalogRules.Judge(entries.Values, next) is { } wrong)
            throw new PoolException(PoolError.Corrupt, $"The catalog of pool {pool:N} is damaged: {wrong}.");
        return new Catalog(journal, pool, CatalogState.Of(entries.Values), next);
    }

    /// <summary>
    /// Throws InvalidArgument unless the name and parameters are within their limits, and NoSpace if the catalog has no room for them.
    /// </summary>
    public void CheckSpec(VolumeSpec spec)
    {
        if (CatalogRules.JudgeName(spec.Name) is { } wrong)
            throw new PoolException(PoolError.InvalidArgument, wrong);
        var bytes = 0;
        foreach (var (key, value) in spec.Parameters)
            bytes += Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value);
        if (spec.Parameters.Count > ParametersMax || bytes > ParameterBytesMax)
            throw new PoolException(PoolError.InvalidArgument, string.Create(CultureInfo.InvariantCulture,
                $"The {spec.Parameters.Count} parameters of '{spec.Name}' take {bytes} bytes; the limits are {ParametersMax} and " +
                $"{ParameterBytesMax} bytes."));
        if (_working.EncodedBytes + EntryBytes(spec.Name, bytes, spec.Parameters.Count) > _journal.LivingBytesMax)
            throw new PoolException(PoolError.NoSpace, string.Create(CultureInfo.InvariantCulture,
                $"The catalog of pool {_pool:N} has no room for '{spec.Name}': its {_working.ByNumber.Count} entries take " +
                $"{_working.EncodedBytes} of {_journal.LivingBytesMax} bytes."));
    }

    /// <summary>A handle never used before.</summary>
    public VolumeId NextId() => new(_pool, _nextNumber++);

    /// <summary>A thin id that no entry has; <paramref name="isTaken"/> knows of devices the catalog does not.</summary>
    public ThinId NextThin(Func<ThinId, bool> isTaken)
    {
        for (uint tries = 0; tries < ThinId.MaxValue; tries++)
        {
            _nextThin = _nextThin is 0 or > ThinId.MaxValue ? 1 : _nextThin;
            var id = new ThinId(_nextThin++);
            if (!_working.ThinIds.Contains(id) && !isTaken(id))
                return id;
        }
        throw new PoolException(
            PoolError.NoSpace,
            string.Create(CultureInfo.InvariantCulture, $"All {ThinId.MaxValue} thin ids of pool {_pool:N} are in use."));
    }

    public void Put(VolumeInfo volume) => Change(CatalogChange.Of(volume));

    /// <summary>
    /// The entry, if there is one, is gone for readers, and its name free; its number and thin id are not until <see cref="Remove"/>.
    /// </summary>
    public void PutDying(ulong number, ThinId device) => Change(CatalogChange.OfDying(number, device));

    public void Remove(ulong number) => Change(CatalogChange.Remove(number));

    /// <summary>Writes the gathered changes as part of transaction <paramref name="transactionId"/>; no barrier.</summary>
    public void Write(ulong transactionId) => _journal.Append(transactionId, _nextNumber, _pending, _working.Entries);

    /// <summary>The transaction was committed: the changes are true, and readers may see them.</summary>
    public void OnCommitted()
    {
        _pending.Clear();
        Volatile.Write(ref _committed, _working);
    }

    /// <summary>The bytes an entry takes in a frame.</summary>
    internal static int EntryBytes(string name, int parameterBytes, int parameters) =>
        64 + Encoding.UTF8.GetByteCount(name) + parameterBytes + 4 * parameters;

    private void Change(CatalogChange change)
    {
        _pending.Add(change);
        _working = _working.With(change);
    }
}
