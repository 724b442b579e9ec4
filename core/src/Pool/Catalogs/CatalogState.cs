using System.Collections.Immutable;
using System.Text;
using CsiThin.Core.Format;

namespace CsiThin.Core.Pool.Catalogs;

/// <summary>
/// An immutable state of the catalog with the look-ups and sums that are needed often. <see cref="ThinIds"/> has the living entries'
/// devices and the dying ones.
/// </summary>
internal sealed record CatalogState(
    ImmutableSortedDictionary<ulong, VolumeInfo> ByNumber,
    ImmutableDictionary<(VolumeKind Kind, string Name), ulong> ByName,
    ImmutableSortedDictionary<ulong, ThinId> Dying,
    ImmutableHashSet<ThinId> ThinIds,
    long EncodedBytes,
    Int128 ProvisionedBytes)
{
    private const int DyingBytes = 13;

    /// <summary>A state of these entries, each as the change that made it so.</summary>
    public static CatalogState Of(IReadOnlyCollection<CatalogChange> entries)
    {
        var volumes = entries.Where(e => e.Put is not null).Select(e => e.Put!).ToList();
        var dying = entries.Where(e => e.Dying is not null).ToImmutableSortedDictionary(e => e.Number, e => e.Dying!.Value);
        return new CatalogState(
            volumes.ToImmutableSortedDictionary(v => v.Id.Number, v => v),
            volumes.ToImmutableDictionary(v => (v.Kind, v.Name), v => v.Id.Number),
            dying,
            [.. volumes.Select(v => v.ThinId), .. dying.Values],
            volumes.Sum(Bytes) + dying.Count * DyingBytes,
            volumes.Aggregate(Int128.Zero, static (sum, volume) => sum + Provisioned(volume)));
    }

    /// <summary>All entries, each as the change that makes it so.</summary>
    public IReadOnlyCollection<CatalogChange> Entries() =>
        [.. ByNumber.Values.Select(CatalogChange.Of), .. Dying.Select(d => CatalogChange.OfDying(d.Key, d.Value))];

    public VolumeInfo? Find(VolumeId id) => ByNumber.GetValueOrDefault(id.Number) is { } volume && volume.Id == id ? volume : null;

    public VolumeInfo? Find(VolumeKind kind, string name) => ByName.TryGetValue((kind, name), out var number) ? ByNumber[number] : null;

    public CatalogState With(CatalogChange change)
    {
        var state = Without(change.Number);
        if (change.Put is { } put)
            return state with
            {
                ByNumber = state.ByNumber.Add(change.Number, put),
                ByName = state.ByName.Add((put.Kind, put.Name), change.Number),
                ThinIds = state.ThinIds.Add(put.ThinId),
                EncodedBytes = state.EncodedBytes + Bytes(put),
                ProvisionedBytes = state.ProvisionedBytes + Provisioned(put),
            };
        return change.Dying is not { } device ? state : state with
        {
            Dying = state.Dying.Add(change.Number, device),
            ThinIds = state.ThinIds.Add(device),
            EncodedBytes = state.EncodedBytes + DyingBytes,
        };
    }

    private CatalogState Without(ulong number)
    {
        if (ByNumber.GetValueOrDefault(number) is { } old)
            return this with
            {
                ByNumber = ByNumber.Remove(number),
                ByName = ByName.Remove((old.Kind, old.Name)),
                ThinIds = ThinIds.Remove(old.ThinId),
                EncodedBytes = EncodedBytes - Bytes(old),
                ProvisionedBytes = ProvisionedBytes - Provisioned(old),
            };
        return !Dying.TryGetValue(number, out var device) ? this : this with
        {
            Dying = Dying.Remove(number),
            ThinIds = ThinIds.Remove(device),
            EncodedBytes = EncodedBytes - DyingBytes,
        };
    }

    /// <summary>What a volume promises; a snapshot promises nothing new.</summary>
    private static long Provisioned(VolumeInfo volume) => volume.Kind == VolumeKind.Volume ? volume.SizeBytes : 0;

    private static long Bytes(VolumeInfo volume) => Catalog.EntryBytes(
        volume.Name, volume.Parameters.Sum(p => Encoding.UTF8.GetByteCount(p.Key) + Encoding.UTF8.GetByteCount(p.Value)),
        volume.Parameters.Count);
}
