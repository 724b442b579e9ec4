using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>
/// References counted by the checker, in memory for those parts only that have some: a byte for each block, and a dictionary for the few
/// blocks that have more references than a byte holds.
/// </summary>
internal sealed class ReferenceCounts
{
    private readonly Dictionary<ulong, byte[]> _pages = [];
    private readonly Dictionary<ulong, uint> _more = [];

    /// <summary>The parts that have references, by bitmap index.</summary>
    public IEnumerable<ulong> Pages => _pages.Keys;

    /// <summary>Counts a reference. False, and nothing counted, if that takes more parts than <paramref name="maxPages"/>.</summary>
    public bool Add(ulong block, ulong maxPages = ulong.MaxValue)
    {
        var index = block / Bitmap.Entries;
        if (!_pages.TryGetValue(index, out var page))
        {
            if ((ulong)_pages.Count >= maxPages)
                return false;
            _pages.Add(index, page = new byte[Bitmap.Entries]);
        }
        ref var count = ref page[block % Bitmap.Entries];
        if (count < byte.MaxValue)
            count++;
        else
            _more[block] = _more.GetValueOrDefault(block) + 1;
        return true;
    }

    public uint Get(ulong block)
    {
        if (!_pages.TryGetValue(block / Bitmap.Entries, out var page))
            return 0;
        var count = page[block % Bitmap.Entries];
        return count < byte.MaxValue ? count : count + _more.GetValueOrDefault(block);
    }
}
