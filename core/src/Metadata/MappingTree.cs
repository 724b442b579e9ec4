using System.Buffers.Binary;
using System.Diagnostics;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// The two-level tree (thin id, virtual block) -> (data block, time). Each device's subtree root is remembered in its
/// <see cref="DeviceState"/>, so that a look-up starts there; readers never see the top level. Invariant: a subtree's root changes only
/// here, and the top level and the device state are told together. The top level is always shadowed before the subtree, because copying a
/// shared top leaf is what counts one more reference to every subtree.
/// </summary>
internal sealed class MappingTree : ITreeOwner
{
    private readonly TransactionManager _transaction;
    private readonly Gate _gate;
    private readonly BTree<MappingValues> _subtrees;
    private readonly BTree<SubtreeValues> _top;
    private ThinId _current;

    public MappingTree(TransactionManager transaction, DataSpaceMap data)
    {
        _transaction = transaction;
        _gate = transaction.Cache.Gate;
        _subtrees = new(transaction, new MappingValues(data), _gate, owner: this);
        _top = new(transaction, new SubtreeValues(transaction, _subtrees), gate: null, DeviceKeys.Instance);
    }

    /// <summary>The root of the top level.</summary>
    public ulong Root { get; private set; }

    public void Create() => Root = _top.Empty();

    public void Open(ulong root) => Root = root;

    /// <summary>For errors in the subtree of the device that was used last.</summary>
    DamagePlace ITreeOwner.PlaceOf(ulong[] path, ulong low, ulong? above) =>
        new([.. _top.PathTo(Root, _current.Value).Concat(path).Select(static block => new MetaBlock(block))])
        {
            Thin = _current,
            Begin = new VirtualBlock(low),
            End = above is { } end ? new VirtualBlock(end) : null,
        };

    /// <summary>The root of a device's subtree.</summary>
    public bool TryGetSubtree(ThinId id, out ulong subtree) => TryGetSubtree(Root, id, out subtree);

    /// <summary>The same in the top level of a held metadata snapshot.</summary>
    public bool TryGetSubtree(ulong root, ThinId id, out ulong subtree)
    {
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        var found = _top.TryLookup(root, id.Value, value);
        subtree = found ? BinaryPrimitives.ReadUInt64LittleEndian(value) : 0;
        return found;
    }

    /// <summary>Gives a new device an empty subtree, and returns its root.</summary>
    public ulong AddEmpty(ThinId id)
    {
        var subtree = _subtrees.Empty();
        Add(id, subtree);
        return subtree;
    }

    /// <summary>Gives a new device the subtree of another: one more reference, whatever its size.</summary>
    public void AddShared(ThinId id, ulong subtree)
    {
        _transaction.Increment(subtree);
        Add(id, subtree);
    }

    /// <summary>Drops a device's subtree.</summary>
    public void Delete(ThinId id)
    {
        _current = id;
        Root = _top.Remove(Root, id.Value, out var removed);
        if (!removed)
            throw new MetadataException(MetadataError.Corrupt, $"thin device {id} has details but no mappings");
    }

    /// <summary>Gives up a held metadata snapshot's reference to a top level.</summary>
    public void DeleteHeld(ulong root) => _top.DeleteTree(root);

    /// <summary>How many leaves deleting a subtree would have to look at; more than <paramref name="max"/> are not counted.</summary>
    public int CountOwnLeaves(ulong subtree, int max) => _subtrees.CountOwnLeaves(subtree, max);

    /// <summary>Look-up by a reader inside the gate: never touches the disk.</summary>
    public static LookupOutcome TryFind(BlockCache cache, ulong root, ulong key, out BlockTime found)
    {
        found = default;
        var number = root;
        for (var depth = 0; depth < BTree<MappingValues>.MaxDepth; depth++)
        {
            if (!cache.TryGet(number, out var block) || block.Kind != BlockKind.BTreeNode)
                return LookupOutcome.WouldBlock;
            var node = new NodeView(block.Data);
            var index = node.LowerBound(key);
            if (index < 0)
                return LookupOutcome.Hole;
            if (node.IsLeaf)
            {
                if (node.Key(index) != key)
                    return LookupOutcome.Hole;
                if (node.ValueBytes != sizeof(ulong))
                    return LookupOutcome.WouldBlock;
                found = BlockTime.Unpack(node.Value64(index));
                return LookupOutcome.Mapped;
            }
            number = node.Value64(index);
        }
        // Damaged: the look-up that may wait will say how.
        return LookupOutcome.WouldBlock;
    }

    public bool Find(DeviceState device, ulong key, out BlockTime found)
    {
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        var isMapped = _subtrees.TryLookup(RootOf(device), key, value);
        found = isMapped ? BlockTime.Unpack(BinaryPrimitives.ReadUInt64LittleEndian(value)) : default;
        return isMapped;
    }

    /// <summary>The first mapping at or above <paramref name="key"/>.</summary>
    public bool FindNext(DeviceState device, ulong key, out ulong next, out BlockTime found)
    {
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        var isMapped = _subtrees.TryLookupNext(RootOf(device), key, out next, value);
        found = isMapped ? BlockTime.Unpack(BinaryPrimitives.ReadUInt64LittleEndian(value)) : default;
        return isMapped;
    }

    /// <summary>
    /// How far a run goes on: from a mapped <paramref name="key"/> to the first block below <paramref name="end"/> that is a hole, is not
    /// on the data block behind its predecessor's, or gives another answer to "shared". Reads each leaf once.
    /// </summary>
    public ulong FindRunEnd(DeviceState device, ulong key, ulong end, BlockTime first)
    {
        var wasShared = device.IsShared(first.Time);
        var expected = first.Block + 1;
        for (key++; key < end;)
        {
            var node = new NodeView(_subtrees.ReadLeaf(RootOf(device), key, out _).Data);
            var index = node.LowerBound(key);
            if (index < 0)
                return key;
            for (; index < node.Count && key < end; index++, key++, expected++)
            {
                var mapping = BlockTime.Unpack(node.Value64(index));
                if (node.Key(index) != key || mapping.Block != expected || device.IsShared(mapping.Time) != wasShared)
                    return key;
            }
        }
        return end;
    }

    /// <summary>Shows every mapping, in order. The visitor changes nothing.</summary>
    public void Visit(DeviceState device, Action<ulong, BlockTime> visit)
    {
        for (ulong? next = 0; next is { } key;)
        {
            _transaction.Cache.Trim();
            var node = new NodeView(_subtrees.ReadLeaf(RootOf(device), key, out next).Data);
            for (var i = 0; i < node.Count; i++)
                visit(node.Key(i), BlockTime.Unpack(node.Value64(i)));
        }
    }

    /// <summary>Reads the leaves of a range, at most so many.</summary>
    public void Prefetch(DeviceState device, ulong begin, ulong end, long maxLeaves)
    {
        for (ulong? next = begin; next is { } key && key < end && maxLeaves > 0; maxLeaves--)
            _subtrees.ReadLeaf(RootOf(device), key, out next);
    }

    public bool FindHighest(DeviceState device, out ulong key) => _subtrees.TryFindHighest(RootOf(device), out key);

    /// <summary>Maps a block; an earlier mapping's data block loses a reference. True if there was none.</summary>
    public bool Insert(DeviceState device, ulong key, BlockTime mapping)
    {
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(value, mapping.Pack());
        var place = Reserve(device);
        var root = _subtrees.Insert(RootOf(device), key, value, out var inserted);
        place.Store(this, device, root);
        return inserted;
    }

    /// <summary>Unmaps a block; false if it was not mapped.</summary>
    public bool Remove(DeviceState device, ulong key)
    {
        var place = Reserve(device);
        var root = _subtrees.Remove(RootOf(device), key, out var removed);
        place.Store(this, device, root);
        return removed;
    }

    /// <summary>
    /// Unmaps [<paramref name="begin"/>, <paramref name="end"/>), at most so many leaves' parts of it, and returns how many mappings that
    /// were; <paramref name="begin"/> moves behind them, to the end when none are left.
    /// </summary>
    public ulong RemoveRange(DeviceState device, ref ulong begin, ulong end, long leavesMax)
    {
        var total = 0UL;
        for (var place = Reserve(device); leavesMax > 0; leavesMax--)
        {
            _transaction.Cache.Trim();
            var root = _subtrees.RemoveRun(RootOf(device), ref begin, end, out var removed);
            place.Store(this, device, root);
            if (removed == 0)
            {
                begin = end;
                break;
            }
            total += (ulong)removed;
        }
        return total;
    }

    /// <summary>
    /// Takes up to <paramref name="leavesMax"/> leaves from a device that is being deleted, and returns how many mappings were in them.
    /// With <paramref name="isDone"/>, what is left is cheap to <see cref="Delete"/>.
    /// </summary>
    public ulong DropLeaves(DeviceState device, ref ulong begin, int leavesMax, out bool isDone)
    {
        var place = Reserve(device);
        // Asked only now: shadowing the top level may have raised the root's count.
        isDone = _transaction.IsShared(device.Root);
        if (isDone)
            return 0;
        var root = _subtrees.DropLeaves(RootOf(device), ref begin, leavesMax, out var dropped, out isDone);
        place.Store(this, device, root);
        return dropped;
    }

    private ulong RootOf(DeviceState device)
    {
        _current = device.Id;
        return device.Root;
    }

    private void Add(ThinId id, ulong subtree)
    {
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(value, subtree);
        Root = _top.Insert(Root, id.Value, value, out var inserted);
        if (!inserted)
            throw new MetadataException(MetadataError.Corrupt, $"thin device {id} has mappings but no details");
    }

    /// <summary>
    /// The place in the top level where a changed root goes, shadowed now. A root that is already this transaction's own stays
    /// where it is, and so needs none.
    /// </summary>
    private Place Reserve(DeviceState device)
    {
        if (_transaction.IsExclusive(device.Root))
            return default;
        Root = _top.ShadowTo(Root, device.Id.Value, out var leaf, out var index);
        if (leaf.View.Value64(index) != device.Root)
            throw BlockCache.Corrupt(leaf.Number, $"the mappings of thin device {device.Id} have moved from block {device.Root}");
        return new Place(leaf, index);
    }

    private readonly struct Place(WritableBlock leaf, int index)
    {
        private readonly bool _isNeeded = true;

        public void Store(MappingTree tree, DeviceState device, ulong root)
        {
            Debug.Assert(_isNeeded || root == device.Root, "an exclusive root has moved");
            if (!_isNeeded || root == device.Root)
                return;
            leaf.Node.SetValue64(index, root);
            using (tree._gate.Write())
                device.Root = root;
        }
    }
}
