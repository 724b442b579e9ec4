using System.Collections.Immutable;
using System.Text;
using CsiThin.Core.Format;

namespace CsiThin.Core.Pool;

/// <summary>An immutable state of the catalog with the look-ups that are needed often.</summary>
internal sealed record CatalogState(
    ImmutableSortedDictionary<ulong, VolumeInfo> ByNumber,
    ImmutableDictionary<(VolumeKind Kind, string Name), ulong> ByName,
    ImmutableHashSet<ThinId> ThinIds,
    long EncodedBytes)
{
    public static CatalogState Of(IEnumerable<VolumeInfo> volumes)
    {
        var all = volumes.ToList();
        return new CatalogState(
            all.ToImmutableSortedDictionary(v => v.Id.Number, v => v),
            all.ToImmutableDictionary(v => (v.Kind, v.Name), v => v.Id.Number),
            [.. all.Select(v => v.ThinId)],
            all.Sum(Bytes));
    }

    public VolumeInfo? Find(VolumeId id) => ByNumber.GetValueOrDefault(id.Number) is { } volume && volume.Id == id ? volume : null;

    public VolumeInfo? Find(VolumeKind kind, string name) => ByName.TryGetValue((kind, name), out var number) ? ByNumber[number] : null;

    public CatalogState With(CatalogChange change)
    {
        var old = ByNumber.GetValueOrDefault(change.Number);
        var state = old is null ? this : new CatalogState(
            ByNumber.Remove(change.Number), ByName.Remove((old.Kind, old.Name)), ThinIds.Remove(old.ThinId), EncodedBytes - Bytes(old));
        return change.Put is not { } put ? state : new CatalogState(
            state.ByNumber.Add(change.Number, put), state.ByName.Add((put.Kind, put.Name), change.Number), state.ThinIds.Add(put.ThinId),
                state.EncodedBytes + Bytes(put));
    }

    private static long Bytes(VolumeInfo volume) => Catalog.EntryBytes(
        volume.Name, volume.Parameters.Sum(p => Encoding.UTF8.GetByteCount(p.Key) + Encoding.UTF8.GetByteCount(p.Value)),
        volume.Parameters.Count);
}
