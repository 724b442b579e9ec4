using Csi.V1;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Router;

/// <summary>
/// Where a new volume goes: among the nodes it must be accessible from, the preferred ones first, then by free space. Pure.
/// </summary>
internal static class Placement
{
    /// <summary>
    /// The nodes to try, in order: they can be reached, are allowed by the requirement, and have a pool that takes volumes (the one the
    /// parameters name, if they name one). Refusals say what stood in the way: <see cref="VolumeError.InvalidArgument"/> for a pool that no
    /// node has, <see cref="VolumeError.Unavailable"/> where only nodes of which nothing is known would do,
    /// <see cref="VolumeError.NoPool"/> for the rest.
    /// </summary>
    public static IReadOnlyList<RoutedNode> Candidates(
        string what, IReadOnlyCollection<RoutedNode> nodes, string topologyKey, CreateVolumeRequest request)
    {
        var pool = request.Parameters.TryGetValue(ParameterRules.Pool, out var name) ? name : null;
        CheckPool(what, nodes, pool);
        var requirement = request.AccessibilityRequirements;
        var allowed = nodes.Where(node => IsAllowed(node, topologyKey, requirement)).ToList();
        var suited = allowed.Where(node => !node.IsRefusing && RoomOf(node, pool) is not null).ToList();
        if (suited.Count == 0)
            throw Refuse(what, allowed, pool);
        return [.. suited.OrderBy(node => Rank(node, topologyKey, requirement)).ThenByDescending(node => RoomOf(node, pool))];
    }

    /// <summary>True when the node lies in the place; no segments at all is everywhere.</summary>
    public static bool IsIn(RoutedNode node, string topologyKey, Topology place) =>
        place.Segments.All(segment => segment.Key == topologyKey && segment.Value == node.Name);

    private static bool IsAllowed(RoutedNode node, string topologyKey, TopologyRequirement? requirement) =>
        requirement is null || requirement.Requisite.Count == 0 || requirement.Requisite.Any(place => IsIn(node, topologyKey, place));

    private static int Rank(RoutedNode node, string topologyKey, TopologyRequirement? requirement)
    {
        var preferred = requirement?.Preferred;
        for (var rank = 0; rank < preferred?.Count; rank++)
        {
            if (IsIn(node, topologyKey, preferred[rank]))
                return rank;
        }

        return int.MaxValue;
    }

    private static long? RoomOf(RoutedNode node, string? pool) => node.Pools
        .Where(known => known.IsWritable && (pool is null || known.Name == pool))
        .Select(known => (long?)known.FreeBytes).Max();

    private static void CheckPool(string what, IReadOnlyCollection<RoutedNode> nodes, string? pool)
    {
        if (pool is null || nodes.Any(node => node.IsUnknown || node.Pools.Any(known => known.Name == pool)))
            return;
        var names = nodes.SelectMany(node => node.Pools).Select(known => known.Name).Distinct(StringComparer.Ordinal).ToArray();
        var hint = NearestName.Of(pool, names) is { } nearest ? $"the nearest name is {NameRules.Quote(nearest)}" : "there is none at all";
        throw new VolumeException(VolumeError.InvalidArgument, $"{what}: no node has a pool {NameRules.Quote(pool)}; {hint}");
    }

    private static VolumeException Refuse(string what, List<RoutedNode> allowed, string? pool)
    {
        if (allowed.Count > 0 && allowed.All(node => node.IsUnknown))
            return new VolumeException(VolumeError.Unavailable, $"{what}: {Unknown(allowed)}");
        var which = pool is null ? "a pool" : $"pool {NameRules.Quote(pool)}";
        return new VolumeException(
            VolumeError.NoPool,
            allowed.Count == 0
                ? $"{what}: no node of csi-thin lies where it must be accessible from"
                : $"{what}: none of the {allowed.Count} nodes it may be on has {which} that takes new volumes");
    }

    private static string Unknown(List<RoutedNode> nodes)
    {
        if (nodes.Count > 1)
            return $"none of the {nodes.Count} nodes it may be on can be reached and has told of its pools";
        return $"node {NameRules.Quote(nodes[0].Name)} {(nodes[0].IsLost ? "cannot be reached" : "has not told of its pools yet")}";
    }
}
