using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Grpc.Core;

namespace CsiThin.Driver.Router;

/// <summary>One page of all nodes' entries; <see cref="NextToken"/> is empty on the last.</summary>
internal sealed record MergedPage<TEntry>(IReadOnlyList<TEntry> Entries, string NextToken);

/// <summary>
/// The nodes' listings as one. Pools come in the order of their uuids, whatever node they are on, and the token is the last handle shown,
/// as in the nodes' own listings: no state is kept, either replica continues the other's, and a disk that moves to another node moves
/// nobody in the order. A node that cannot be reached is passed over with its pools.
/// </summary>
/// <param name="fetch">One page of a node's entries: at most so many (0: all), behind the token.</param>
/// <param name="handleOf">An entry's handle.</param>
internal sealed class MergedListing<TEntry>(
    Func<RoutedNode, int, string, Task<IReadOnlyList<TEntry>>> fetch, Func<TEntry, string> handleOf)
{
    /// <summary>Entries asked of a node at once, so that a response stays far below gRPC's limit of 4 MiB.</summary>
    private const int PartEntries = 1000;

    /// <summary>
    /// The page behind <paramref name="token"/>. <see cref="VolumeError.Aborted"/> for a token that was never given out: begin again.
    /// </summary>
    public async Task<MergedPage<TEntry>> PageAsync(IReadOnlyCollection<RoutedNode> nodes, int maxEntries, string token)
    {
        if (maxEntries < 0)
            throw new VolumeException(VolumeError.InvalidArgument, $"max_entries of a listing is {maxEntries}, below 0");
        var after = Read(token);
        var pools = nodes.SelectMany(node => node.Pools, (node, pool) => (node, Uuid: pool.Uuid.ToString("N")))
            .Where(pool => after is not { } last || string.CompareOrdinal(pool.Uuid, last.Pool.ToString("N")) >= 0)
            .OrderBy(pool => pool.Uuid, StringComparer.Ordinal).ThenBy(pool => pool.node.IsLost).DistinctBy(pool => pool.Uuid);
        var page = new List<TEntry>();
        foreach (var (node, uuid) in pools)
        {
            var number = after is { } last && last.Pool.ToString("N") == uuid ? last.Number : 0;
            var room = maxEntries == 0 ? int.MaxValue : maxEntries - page.Count;
            if (room == 0)
                return new MergedPage<TEntry>(page, handleOf(page[^1]));
            page.AddRange(await OfPoolAsync(node, uuid, number, room).ConfigureAwait(false));
        }

        // The last pool may have more; a page too many, then empty, is what the specification allows for.
        return new MergedPage<TEntry>(page, maxEntries > 0 && page.Count == maxEntries ? handleOf(page[^1]) : "");
    }

    /// <summary>Up to <paramref name="room"/> entries of one pool behind a number.</summary>
    private async Task<List<TEntry>> OfPoolAsync(RoutedNode node, string uuid, ulong number, int room)
    {
        var entries = new List<TEntry>();
        try
        {
            while (entries.Count < room)
            {
                var wanted = Math.Min(PartEntries, room - entries.Count);
                var part = await fetch(node, wanted, $"{uuid}-{number}").ConfigureAwait(false);
                var own = part.TakeWhile(entry => handleOf(entry).StartsWith(uuid, StringComparison.Ordinal)).ToList();
                entries.AddRange(own);
                if (own.Count < wanted || !VolumeId.TryParse(handleOf(own[^1]), out var last))
                    break;
                number = last.Number;
            }
        }
        catch (VolumeException e) when (e.Error == VolumeError.Unavailable)
        {
            // A dead node costs its own entries only.
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.Aborted)
        {
            // The node restarts, or its pool has just gone elsewhere.
        }

        return entries;
    }

    private static VolumeId? Read(string token)
    {
        if (token.Length == 0)
            return null;
        return VolumeId.TryParse(token, out var id)
            ? id
            : throw new VolumeException(
                VolumeError.Aborted, $"starting_token {NameRules.Quote(token)} continues no listing; begin without one");
    }
}
