using System.Runtime.CompilerServices;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Check;

/// <summary>
/// References counted by the checker, in memory for those parts only that have some: a byte for each block, and a dictionary for the few
/// blocks that have more references than a byte holds.
/// </summary>
internal sealed class ReferenceCounts
{
    private readonly Dictionary<ulong, byte[]> _pages = [];
    private readonly Dictionary<ulong, uint> _more = [];

    // The page of the last block that was counted: the next one is near it more often than not.
    private byte[] _page = [];
    private ulong _pageBegin;

    /// <summary>The parts that have references, by bitmap index.</summary>
    public IEnumerable<ulong> Pages => _pages.Keys;

    /// <summary>Counts a reference. False, and nothing counted, if that takes more parts than <paramref name="maxPages"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Add(ulong block, ulong maxPages = ulong.MaxValue)
    {
        var place = block - _pageBegin;
        if (place >= (ulong)_page.Length)
        {
            if (!TryTurnTo(block / Bitmap.Entries, maxPages))
                return false;
            place = block - _pageBegin;
        }
        ref var count = ref _page[place];
        if (count < byte.MaxValue)
            count++;
        else
            _more[block] = _more.GetValueOrDefault(block) + 1;
        return true;
    }

    /// <summary>
    /// The counts of the blocks of one bitmap, or none where none of them has a reference. 255 is that or more; <see cref="Get"/> knows.
    /// </summary>
    public ReadOnlySpan<byte> Page(ulong index) => _pages.TryGetValue(index, out var page) ? page : default;

    public uint Get(ulong block)
    {
        if (!_pages.TryGetValue(block / Bitmap.Entries, out var page))
            return 0;
        var count = page[block % Bitmap.Entries];
        return count < byte.MaxValue ? count : count + _more.GetValueOrDefault(block);
    }

    private bool TryTurnTo(ulong index, ulong maxPages)
    {
        if (!_pages.TryGetValue(index, out var page))
        {
            if ((ulong)_pages.Count >= maxPages)
                return false;
            _pages.Add(index, page = new byte[Bitmap.Entries]);
        }
        (_page, _pageBegin) = (page, index * Bitmap.Entries);
        return true;
    }
}
