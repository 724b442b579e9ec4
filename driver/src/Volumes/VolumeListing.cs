using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>One page of a listing; <see cref="NextToken"/> is empty on the last.</summary>
internal sealed record VolumePage(IReadOnlyList<VolumeInfo> Volumes, string NextToken);

/// <summary>
/// Listing in pages. Handles are never used again and a page begins behind the last handle of the page before, so that volumes which come
/// and go meanwhile make nobody skip or see twice one that stays. The token is that handle: no state is kept, a restart loses none.
/// </summary>
internal static class VolumeListing
{
    /// <summary>
    /// Up to <paramref name="maxEntries"/> (0: all) volumes or snapshots behind <paramref name="token"/>, ordered by handle. A token of no
    /// pool
    /// served here is <see cref="VolumeError.Aborted"/>, which tells the caller to begin again.
    /// </summary>
    public static VolumePage List(PoolSet pools, VolumeKind kind, int maxEntries, string token, Func<VolumeInfo, bool>? filter = null)
    {
        if (maxEntries < 0)
            throw new VolumeException(VolumeError.InvalidArgument, $"max_entries of a listing is {maxEntries}, below 0");
        VolumeId? after = token.Length == 0 ? null : ReadToken(pools, kind, token);
        var rest = pools.All
            .OrderBy(pool => pool.Pool.Uuid.ToString("N"), StringComparer.Ordinal)
            .Where(pool => after is not { } last || string.CompareOrdinal(pool.Pool.Uuid.ToString("N"), last.Pool.ToString("N")) >= 0)
            .SelectMany(pool => pool.Pool.ListVolumes())
            .Where(volume => volume.Kind == kind && (filter is null || filter(volume)))
            .Where(volume => after is not { } last || volume.Id.Pool != last.Pool || volume.Id.Number > last.Number);
        var page = (maxEntries == 0 ? rest : rest.Take(maxEntries + 1)).ToList();
        if (maxEntries == 0 || page.Count <= maxEntries)
            return new VolumePage(page, "");
        page.RemoveAt(maxEntries);
        return new VolumePage(page, page[^1].Id.ToString());
    }

    private static VolumeId ReadToken(PoolSet pools, VolumeKind kind, string token)
    {
        if (VolumeId.TryParse(token, out var id) && pools.TryFind(id.Pool, out _))
            return id;
        throw new VolumeException(
            VolumeError.Aborted,
            $"starting_token {NameRules.Quote(token)} continues no listing of {Describe.Kind(kind)}s here; begin without one");
    }
}
