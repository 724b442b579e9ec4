using CsiThin.Core.Format;
using CsiThin.Core.Tools.Building;

namespace CsiThin.Core.Tools.Repair;

/// <summary>
/// Copies sound nodes of mappings from damaged metadata to new, each once: what was shared stays shared. Only for nodes that
/// <see cref="RepairTrees"/> found sound.
/// </summary>
internal sealed class RepairCopier(RepairSource source, MetadataBuilder builder)
{
    private readonly Dictionary<ulong, ulong> _copies = [];

    /// <summary>Copies a subtree, or refers once more to the copy there is, and returns the copy's block.</summary>
    public ulong Copy(ulong number)
    {
        if (_copies.TryGetValue(number, out var copy))
        {
            builder.Output.AddReference(copy);
            return copy;
        }
        var block = new byte[BlockFormat.BlockBytes];
        if (source.ReadNode(number, block) is { } wrong)
            throw new InvalidOperationException($"a block that was sound is not any more: {wrong}");
        var editor = new NodeEditor(block);
        for (var i = 0; i < editor.View.Count; i++)
            if (editor.View.IsLeaf)
                builder.CountData(BlockTime.Unpack(editor.View.Value64(i)).Block, 1);
            else
                editor.SetValue64(i, Copy(editor.View.Value64(i)));
        return _copies[number] = builder.Output.Append(BlockKind.BTreeNode, block);
    }

    /// <summary>A leaf to be shared by a tree that is built anew.</summary>
    public SharedLeaf Leaf(ulong number, NodeView leaf) => new CopiedLeaf(this, number, leaf);

    private sealed class CopiedLeaf(RepairCopier owner, ulong number, NodeView leaf) : SharedLeaf
    {
        private readonly (ulong Key, ulong Value)[] _entries = EntriesOf(leaf);

        public override ulong FirstKey => _entries[0].Key;

        public override int Count => _entries.Length;

        public override ulong Share() => owner.Copy(number);

        public override void Unpack(TreeBuilder into)
        {
            foreach (var (key, value) in _entries)
                owner.Add(into, key, value);
        }

        private static (ulong, ulong)[] EntriesOf(NodeView leaf)
        {
            var entries = new (ulong, ulong)[leaf.Count];
            for (var i = 0; i < entries.Length; i++)
                entries[i] = (leaf.Key(i), leaf.Value64(i));
            return entries;
        }
    }

    /// <summary>Adds one mapping to a tree that is built anew.</summary>
    public void Add(TreeBuilder into, ulong key, ulong value)
    {
        builder.CountData(BlockTime.Unpack(value).Block, 1);
        into.Add(key, value);
    }
}
