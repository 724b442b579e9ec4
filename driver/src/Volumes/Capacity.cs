namespace CsiThin.Driver.Volumes;

/// <summary>
/// What is left for new volumes, in bytes. <see cref="LargestBytes"/> is what the emptiest pool could hold in full: larger thin volumes are
/// not refused, but a scheduler that goes by this figure then puts no volume where it could not be filled.
/// </summary>
internal sealed record Capacity(long AvailableBytes, long LargestBytes)
{
    /// <summary>Nothing can be created.</summary>
    public static readonly Capacity None = new(0, 0);

    /// <summary>The capacity of the pool the parameters name (none: it is not here), or of all pools.</summary>
    public static async Task<Capacity> OfAsync(
        PoolSet pools, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellation)
    {
        ParameterRules.CheckVolume("capacity", parameters);
        IEnumerable<NamedPool> candidates = pools.All;
        if (parameters.TryGetValue(ParameterRules.Pool, out var name))
            candidates = pools.TryFind(name, out var pool) ? [pool] : [];
        var free = new List<long>();
        foreach (var pool in candidates)
        {
            var status = await pool.Pool.GetStatusAsync(cancellation).ConfigureAwait(false);
            if (PoolSet.TakesVolumes(status))
                free.Add(PoolSet.FreeBytes(status));
        }

        return free.Count == 0 ? None : new Capacity(free.Sum(), free.Max() / SizeRules.GranularityBytes * SizeRules.GranularityBytes);
    }
}
