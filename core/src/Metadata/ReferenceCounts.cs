using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>References counted by the checker, for blocks of any number, in memory for those parts only that have some.</summary>
internal sealed class ReferenceCounts
{
    private readonly Dictionary<ulong, uint[]> _pages = [];

    /// <summary>The parts that have references, by bitmap index.</summary>
    public IEnumerable<ulong> Pages => _pages.Keys;

    public void Add(ulong block)
    {
        var index = block / Bitmap.Entries;
        if (!_pages.TryGetValue(index, out var page))
            _pages.Add(index, page = new uint[Bitmap.Entries]);
        page[block % Bitmap.Entries]++;
    }

    public uint Get(ulong block) => _pages.TryGetValue(block / Bitmap.Entries, out var page) ? page[block % Bitmap.Entries] : 0;
}
