namespace CsiThin.Core.Tools.Building;

/// <summary>A leaf of mappings that several trees may refer to.</summary>
internal abstract class SharedLeaf
{
    /// <summary>Its lowest key.</summary>
    public abstract ulong FirstKey { get; }

    /// <summary>Its entries.</summary>
    public abstract int Count { get; }

    /// <summary>Counts one more reference to it, and returns its block.</summary>
    public abstract ulong Share();

    /// <summary>Adds its entries to a tree one by one instead.</summary>
    public abstract void Unpack(TreeBuilder into);
}

/// <summary>
/// Builds a B-tree from the bottom up, its entries given in order: full nodes, the last two of a level evened out. A tree of mappings takes
/// whole shared leaves too, and unpacks one only where its neighbour would be too small. The caller sees to the order of the keys.
/// </summary>
internal sealed class TreeBuilder
{
    private readonly TreeBuilderOutput _output;
    private readonly List<TreeBuilderLevel> _levels = [];
    private SharedLeaf? _held;

    public TreeBuilder(TreeBuilderOutput output, int valueBytes)
    {
        _output = output;
        _levels.Add(new TreeBuilderLevel(output, isLeaf: true, valueBytes, AddLeaf));
    }

    private TreeBuilderLevel Leaves => _levels[0];

    public void Add(ulong key, ReadOnlySpan<byte> value) => Leaves.Add(key, value);

    public void Add(ulong key, ulong value) => Leaves.Add(key, value);

    /// <summary>Adds all entries of a leaf, by a reference to it where that can be.</summary>
    public void Add(SharedLeaf leaf)
    {
        if (leaf.Count < Leaves.Third || (Leaves.Waiting > 0 && Leaves.Waiting < Leaves.Third))
        {
            leaf.Unpack(this);
            return;
        }
        if (Leaves.Waiting > 0)
            Leaves.Flush();
        ReleaseHeld();
        // Held back, because what follows may be too little for a leaf of its own.
        _held = leaf;
    }

    /// <summary>Completes the tree and returns its root. The builder must not be used any more.</summary>
    public ulong Finish()
    {
        if (_held is { } last && Leaves.Waiting > 0 && Leaves.Waiting < Leaves.Third)
        {
            var rest = Leaves.TakeWaiting();
            _held = null;
            last.Unpack(this);
            foreach (var (key, value) in rest)
                Leaves.Add(key, value);
        }
        if (Leaves.Waiting > 0 || (_held == null && _levels.Count == 1))
            Leaves.Flush();
        ReleaseHeld();
        for (var i = 1; ; i++)
        {
            var level = _levels[i];
            if (level.Nodes == 0 && level.Waiting == 1)
                return level.FirstValue;
            level.Flush();
        }
    }

    private void AddLeaf(ReadOnlySpan<ulong> keys, ReadOnlySpan<byte> values, ulong block)
    {
        ReleaseHeld();
        AddChild(1, keys.IsEmpty ? 0 : keys[0], block);
    }

    private void ReleaseHeld()
    {
        if (_held is not { } leaf)
            return;
        _held = null;
        AddChild(1, leaf.FirstKey, leaf.Share());
    }

    private void AddChild(int level, ulong key, ulong block)
    {
        if (_levels.Count == level)
            _levels.Add(new TreeBuilderLevel(_output, isLeaf: false, sizeof(ulong),
                (keys, _, parent) => AddChild(level + 1, keys[0], parent)));
        _levels[level].Add(key, block);
    }
}
