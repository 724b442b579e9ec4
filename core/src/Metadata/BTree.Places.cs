using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>What a tree is part of: whose its keys are, and how the superblock leads to its root.</summary>
internal interface ITreeOwner
{
    /// <summary>The place of what lies below the keys [<paramref name="low"/>, <paramref name="above"/>) of the tree in use.</summary>
    DamagePlace PlaceOf(ulong[] path, ulong low, ulong? above);
}

/// <summary>Trees whose keys are thin ids: the details of the devices, and the roots of their mappings.</summary>
internal sealed class DeviceKeys : ITreeOwner
{
    public static DeviceKeys Instance { get; } = new();

    public DamagePlace PlaceOf(ulong[] path, ulong low, ulong? above) =>
        new([.. path.Select(static block => new MetaBlock(block))]) { Devices = DamagePlace.RangeOf(low, above) };
}

/// <summary>Where errors happen. Found out only once there is one: a look-up that goes well pays nothing for it.</summary>
internal sealed partial class BTree<TValues>
{
    /// <summary>The blocks on the way to a key, as far as they can be read.</summary>
    public ulong[] PathTo(ulong root, ulong key)
    {
        var path = new List<ulong>();
        for (var number = root; path.Count <= MaxDepth;)
        {
            path.Add(number);
            if (!TryRead(number, out var node) || node.IsLeaf || node.Count == 0)
                break;
            number = node.Value64(Math.Max(0, node.LowerBound(key)));
        }
        return [.. path];
    }

    private MetadataException Corrupt(in BlockPath path, string what) =>
        MetadataException.At(PlaceOf(path), MetadataError.Corrupt, what);

    private MetadataException Corrupt(ulong number, string what)
    {
        var path = default(BlockPath);
        path.Push(number);
        return Corrupt(path, what);
    }

    /// <summary>The bounds of the last block of a path are told by those before it.</summary>
    private DamagePlace PlaceOf(in BlockPath path)
    {
        var blocks = path.ToArray();
        var (low, above) = (0UL, default(ulong?));
        for (var i = 0; i + 1 < blocks.Length && TryRead(blocks[i], out var node) && !node.IsLeaf; i++)
            for (var child = 0; child < node.Count; child++)
            {
                if (node.Value64(child) != blocks[i + 1])
                    continue;
                low = node.Key(child);
                above = child + 1 < node.Count ? node.Key(child + 1) : above;
                break;
            }
        return owner?.PlaceOf(blocks, low, above) ?? new DamagePlace([.. blocks.Select(static block => new MetaBlock(block))]);
    }

    private bool TryRead(ulong number, out NodeView node)
    {
        try
        {
            node = new NodeView(transaction.Read(number, BlockKind.BTreeNode).Data);
            return true;
        }
        catch (MetadataException)
        {
            node = default;
            return false;
        }
    }
}
