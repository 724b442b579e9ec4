using System.Runtime.CompilerServices;

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

    /// <summary>The blocks passed, the first ones of a path that is too long.</summary>
    public readonly ulong[] ToArray()
    {
        var all = new ulong[Math.Min(Depth, Capacity)];
        for (var i = 0; i < all.Length; i++)
            all[i] = _blocks[i];
        return all;
    }

    [InlineArray(Capacity)]
    private struct Blocks
    {
        private ulong _first;
    }
}
