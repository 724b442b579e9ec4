using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>Whose a data block is: data blocks that follow each other, and the virtual blocks of one device that map to them.</summary>
/// <param name="Data">The first data block.</param>
/// <param name="Thin">The device.</param>
/// <param name="Begin">Its virtual block that maps to <paramref name="Data"/>.</param>
/// <param name="Length">In data blocks, above 0.</param>
public readonly record struct ReverseMapping(DataBlock Data, ThinId Thin, VirtualBlock Begin, ulong Length)
{
    /// <summary>The line that thin_rmap prints.</summary>
    public override string ToString() => $"data {Data}..{Data.Value + Length} -> thin({Thin}) {Begin}..{Begin.Value + Length}";
}

/// <summary>
/// Looks up the mappings backwards, as thin_rmap does: dm-thin keeps no such index, so all mappings are read. Takes memory for what it
/// finds (32 bytes a run).
/// </summary>
public static class ReverseMap
{
    /// <summary>
    /// The mappings into the regions, cut to them; ordered by data block, then by device and virtual block (thin_rmap leaves the order of
    /// those that share data to chance).
    /// </summary>
    /// <exception cref="MetadataException">
    /// Invalid for a region that is empty or ends before it begins; what opening and reading throw.
    /// </exception>
    public static IReadOnlyList<ReverseMapping> Find(IDisk disk, IEnumerable<DataRegion> regions, MetadataState state, ToolRun run)
    {
        ArgumentNullException.ThrowIfNull(regions);
        ArgumentNullException.ThrowIfNull(run);
        var wanted = Join(regions);
        var reader = MetadataReader.Open(disk, state);
        var found = new List<ReverseMapping>();
        var roots = reader.ReadRoots();
        ulong done = 0;
        foreach (var (id, root) in roots)
        {
            run.Report("devices", done++, (ulong)roots.Count);
            AddDevice(reader, new ThinId(id), root, wanted, found, run);
        }
        found.Sort(static (a, b) =>
            (a.Data.Value, a.Thin.Value, a.Begin.Value).CompareTo((b.Data.Value, b.Thin.Value, b.Begin.Value)));
        return found;
    }

    private static void AddDevice(
        MetadataReader reader, ThinId id, ulong root, List<DataRegion> wanted, List<ReverseMapping> found, ToolRun run)
    {
        using var runs = new LeafRuns(reader, id, root, new ToolRun(cancellation: run.Cancellation));
        while (runs.TryNext(out var next))
        {
            for (var at = FirstAfter(wanted, next.Data); at < wanted.Count && wanted[at].Begin.Value < next.Data + next.Length; at++)
            {
                var begin = Math.Max(wanted[at].Begin.Value, next.Data);
                var end = Math.Min(wanted[at].End.Value, next.Data + next.Length);
                var first = new VirtualBlock(next.Begin + (begin - next.Data));
                found.Add(new ReverseMapping(new DataBlock(begin), id, first, end - begin));
            }
        }
    }

    /// <summary>The first region that ends behind a data block.</summary>
    private static int FirstAfter(List<DataRegion> regions, ulong data)
    {
        var (low, high) = (0, regions.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = regions[middle].End.Value <= data ? (middle + 1, high) : (low, middle);
        }
        return low;
    }

    /// <summary>Sorted, and neighbours and overlaps made one.</summary>
    private static List<DataRegion> Join(IEnumerable<DataRegion> regions)
    {
        var joined = new List<DataRegion>();
        foreach (var region in regions.OrderBy(static region => region.Begin.Value))
        {
            if (region.End.Value <= region.Begin.Value)
                throw new MetadataException(MetadataError.Invalid, $"the region {region.Begin}..{region.End} of data blocks is empty");
            if (joined.Count > 0 && region.Begin.Value <= joined[^1].End.Value)
                joined[^1] = joined[^1] with { End = new DataBlock(Math.Max(joined[^1].End.Value, region.End.Value)) };
            else
                joined.Add(region);
        }
        return joined;
    }
}
