using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>Whole trees: dropping one, and replacing a value that stands for another tree.</summary>
internal sealed partial class BTree<TValues>
{
    /// <summary>
    /// Shadows the path to an existing key, so that its value may be changed without counting: the reference is
    /// the same one, moved. Returns the tree's root from now on.
    /// </summary>
    public ulong ShadowTo(ulong root, ulong key, out WritableBlock leaf, out int index)
    {
        var path = default(BlockPath);
        var node = ShadowNode(root, ref path);
        var newRoot = node.Number;
        while (!node.View.IsLeaf)
        {
            node = ShadowChild(node, Math.Max(0, node.View.LowerBound(key)), ref path);
            path.Push(node.Number);
        }
        index = node.View.LowerBound(key);
        if (index < 0 || node.View.Key(index) != key)
            throw Corrupt(path, $"there is no entry {key} where one is expected");
        leaf = node;
        return newRoot;
    }

    /// <summary>
    /// Gives up one reference to a tree. Nodes that nobody else refers to go with their values; shared ones lose one reference.
    /// </summary>
    public void DeleteTree(ulong root)
    {
        var pending = new Stack<(ulong Block, int Depth)>();
        pending.Push((root, 0));
        Span<byte> copy = stackalloc byte[BlockFormat.BlockBytes];
        while (pending.TryPop(out var next))
        {
            transaction.Cache.Trim();
            if (next.Depth > MaxDepth)
                throw Corrupt(next.Block, "the tree contains itself");
            if (transaction.IsShared(next.Block) && transaction.SpaceMap.Count(next.Block) > 1)
            {
                transaction.Decrement(next.Block);
                continue;
            }
            var path = default(BlockPath);
            // Copied, because dropping values changes space maps, and the cache is trimmed on the way.
            ReadNode(next.Block, ref path).Data.CopyTo(copy);
            var node = new NodeView(copy);
            for (var i = node.Count - 1; i >= 0; i--)
            {
                if (node.IsLeaf)
                    values.Decrement(node.Value(i));
                else
                    pending.Push((node.Value64(i), next.Depth + 1));
            }
            transaction.Decrement(next.Block);
        }
    }
}
