using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace CsiThin.Core.Metadata;

/// <summary>The blocks passed on the way down from the superblock, kept so that an error can name them.</summary>
internal struct BlockPath
{
    /// <summary>One more than the deepest tree, so that a path that is too long still fits.</summary>
    private const int Capacity = 20;

    private Blocks _blocks;

    /// <summary>How many blocks were passed.</summary>
    public int Depth { get; private set; }

    public void Push(ulong block)
    {
        if (Depth < Capacity)
            _blocks[Depth] = block;
        Depth++;
    }

    public void Truncate(int depth) => Depth = depth;

    /// <summary>For people: <c>superblock -> 12 -> 37</c>.</summary>
    public readonly string Describe()
    {
        var text = new StringBuilder("superblock");
        for (var i = 0; i < Math.Min(Depth, Capacity); i++)
            text.Append(CultureInfo.InvariantCulture, $" -> {_blocks[i]}");
        return text.ToString();
    }

    [InlineArray(Capacity)]
    private struct Blocks
    {
        private ulong _first;
    }
}
