using System.Buffers.Binary;
using CsiThin.Core.Format;
using CsiThin.Core.Tools.Building;

namespace CsiThin.Core.Tools.Restore;

/// <summary>
/// A named part of the XML: leaves that devices share. The entries of its first and its last leaf are kept in memory, because a device may
/// have too little beside them for a leaf of its own; those between are always shared.
/// </summary>
internal sealed class RestoreDef
{
    private readonly MetadataBuilder _builder;
    private readonly TreeBuilderLevel _level;
    private readonly List<Leaf> _leaves = [];

    public RestoreDef(MetadataBuilder builder)
    {
        _builder = builder;
        _level = new TreeBuilderLevel(builder.Output, isLeaf: true, sizeof(ulong), AddLeaf);
    }

    /// <summary>A device refers to it.</summary>
    public bool IsUsed { get; set; }

    /// <summary>Its mappings.</summary>
    public ulong Count { get; private set; }

    public ulong FirstKey { get; private set; }

    public ulong LastKey { get; private set; }

    public IReadOnlyList<SharedLeaf> Leaves => _leaves;

    public void Add(ulong key, ulong value)
    {
        if (Count++ == 0)
            FirstKey = key;
        LastKey = key;
        _level.Add(key, value);
    }

    /// <summary>No more is added.</summary>
    public void Complete()
    {
        if (_level.Waiting > 0)
            _level.Flush();
    }

    private void AddLeaf(ReadOnlySpan<ulong> keys, ReadOnlySpan<byte> values, ulong block)
    {
        _builder.Output.Unreference(block);
        if (_leaves.Count > 1)
            _leaves[^1].Settle();
        _leaves.Add(new Leaf(_builder, keys, values, block));
    }

    private sealed class Leaf : SharedLeaf
    {
        private readonly MetadataBuilder _builder;
        private readonly ulong _block;
        private (ulong Key, ulong Value)[]? _entries;
        private bool _isCounted;

        public Leaf(MetadataBuilder builder, ReadOnlySpan<ulong> keys, ReadOnlySpan<byte> values, ulong block)
        {
            _builder = builder;
            _block = block;
            (FirstKey, Count) = (keys[0], keys.Length);
            _entries = new (ulong, ulong)[keys.Length];
            for (var i = 0; i < keys.Length; i++)
                _entries[i] = (keys[i], BinaryPrimitives.ReadUInt64LittleEndian(values[(i * sizeof(ulong))..]));
        }

        public override ulong FirstKey { get; }

        public override int Count { get; }

        /// <summary>It is neither the first nor the last: it will be shared, and its entries need not be kept.</summary>
        public void Settle()
        {
            CountData();
            _entries = null;
        }

        public override ulong Share()
        {
            CountData();
            _builder.Output.AddReference(_block);
            return _block;
        }

        public override void Unpack(TreeBuilder into)
        {
            foreach (var (key, value) in _entries!)
            {
                _builder.CountData(BlockTime.Unpack(value).Block, 1);
                into.Add(key, value);
            }
        }

        private void CountData()
        {
            if (_isCounted)
                return;
            _isCounted = true;
            foreach (var (_, value) in _entries!)
                _builder.CountData(BlockTime.Unpack(value).Block, 1);
        }
    }
}
