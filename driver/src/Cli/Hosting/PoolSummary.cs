using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>A pool in a ready line.</summary>
internal sealed record PoolSummary(string Name, string Uuid, long SizeBytes)
{
    /// <summary>All pools of this process.</summary>
    public static IReadOnlyList<PoolSummary> Of(EnginePools pools) =>
        [.. pools.All.Select(pool => Of(pool.Name, pool.Pool.GetStatus()))];

    /// <summary>For people.</summary>
    public static string Text(IEnumerable<PoolSummary> pools) =>
        string.Join(", ", pools.Select(pool => $"{pool.Name} ({SizeText.Format(pool.SizeBytes)})"));

    private static PoolSummary Of(string name, Core.Pool.PoolStatus status) =>
        new(name, status.Uuid.ToString("N"), (long)status.DataBlocksTotal * status.DataBlockBytes);
}
