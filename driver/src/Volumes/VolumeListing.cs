using System.Runtime.CompilerServices;
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
    private const int PartEntries = 512;

    /// <summary>
    /// Up to <paramref name="maxEntries"/> (0: all) volumes or snapshots behind <paramref name="token"/>, ordered by handle. A token of no
    /// pool served here is <see cref="VolumeError.Aborted"/>, which tells the caller to begin again.
    /// </summary>
    public static async Task<VolumePage> ListAsync(
        PoolSet pools, VolumeKind kind, int maxEntries, string token, Func<VolumeInfo, bool>? filter, CancellationToken cancellation)
    {
        if (maxEntries < 0)
            throw new VolumeException(VolumeError.InvalidArgument, $"max_entries of a listing is {maxEntries}, below 0");
        VolumeId? after = token.Length == 0 ? null : ReadToken(pools, kind, token);
        var page = new List<VolumeInfo>();
        await foreach (var volume in BehindAsync(pools, after, cancellation).ConfigureAwait(false))
        {
            if (volume.Kind != kind || (filter is not null && !filter(volume)))
                continue;
            if (maxEntries > 0 && page.Count == maxEntries)
                return new VolumePage(page, page[^1].Id.ToString());
            page.Add(volume);
        }

        return new VolumePage(page, "");
    }

    /// <summary>Whatever comes behind a handle, part by part, so that a page of many costs no more than it shows.</summary>
    private static async IAsyncEnumerable<VolumeInfo> BehindAsync(
        PoolSet pools, VolumeId? after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var ordered = pools.All.OrderBy(pool => pool.Pool.Uuid.ToString("N"), StringComparer.Ordinal);
        foreach (var (_, pool) in ordered)
        {
            var order = after is { } last ? string.CompareOrdinal(pool.Uuid.ToString("N"), last.Pool.ToString("N")) : 1;
            if (order < 0)
                continue;
            var number = order == 0 ? after!.Value.Number : 0;
            IReadOnlyList<VolumeInfo> part;
            do
            {
                part = await pool.ListVolumesAsync(number, PartEntries, cancellation).ConfigureAwait(false);
                foreach (var volume in part)
                    yield return volume;
                number = part.Count > 0 ? part[^1].Id.Number : number;
            }
            while (part.Count == PartEntries);
        }
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
