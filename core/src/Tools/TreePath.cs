using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>The way through a tree to a key, found once something is wrong below it: so an error can begin at the superblock.</summary>
internal static class TreePath
{
    /// <summary>The blocks from a root to the leaf of a key, as far as they can be read.</summary>
    public static IReadOnlyList<ulong> To(IDisk disk, ulong blocks, ulong root, ulong key)
    {
        var path = new List<ulong>();
        var block = new byte[BlockFormat.BlockBytes];
        for (var number = root; path.Count <= BTree<PlainValues>.MaxDepth;)
        {
            path.Add(number);
            if (number >= blocks || !TryRead(disk, number, block))
                break;
            var node = new NodeView(block);
            if (node.IsLeaf)
                break;
            number = node.Value64(Math.Max(0, node.LowerBound(key)));
        }
        return path;
    }

    private static bool TryRead(IDisk disk, ulong number, byte[] block)
    {
        try
        {
            disk.Read((long)number * BlockFormat.BlockBytes, block);
            return BlockFormat.Check(BlockKind.BTreeNode, number, block) == null;
        }
        catch (DiskException)
        {
            return false;
        }
    }
}
