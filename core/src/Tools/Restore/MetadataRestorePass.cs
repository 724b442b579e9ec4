using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools.Building;

namespace CsiThin.Core.Tools.Restore;

/// <summary>One reading of the XML: judges it, and builds the metadata or only counts its blocks.</summary>
internal sealed class RestorePass(IDisk? target, ulong metadataBlocks, RestoreOptions options, HashSet<string> unused)
    : IXmlPoolVisitor, IDisposable
{
    /// <summary>Null for those that are not used.</summary>
    private readonly Dictionary<string, RestoreDef?> _defs = new(StringComparer.Ordinal);
    private readonly List<string> _warnings = [];
    private MetadataBuilder? _builder;
    private ulong _mappings;
    private RestoreDef? _def;
    private (uint Id, DeviceDetails Details) _device;
    private TreeBuilder? _tree;
    private ulong _inSection;
    private ulong _next;
    private bool _isPastLast;

    private MetadataBuilder Builder => _builder ?? throw new XmlPoolException("the superblock comes first");

    /// <summary>Adds the named parts that no device referred to. True if there are some.</summary>
    public bool FindUnused(HashSet<string> names)
    {
        var before = names.Count;
        foreach (var (name, def) in _defs)
            if (def is { IsUsed: false })
                names.Add(name);
        return names.Count > before;
    }

    /// <summary>Builds the rest; to be called when the whole text was read.</summary>
    public RestoreResult Complete()
    {
        var builder = _builder ?? throw new MetadataException(MetadataError.Invalid, "the XML has no superblock");
        var used = builder.Complete();
        return new RestoreResult(builder.Devices, _mappings, used, _warnings);
    }

    public void Superblock(XmlSuperblock superblock)
    {
        var sectors = options.DataBlockSectors ?? superblock.DataBlockSectors;
        var dataBlocks = options.DataBlocks ?? superblock.DataBlocks;
        if (!ThinMetadata.IsDataBlockSize(sectors))
            throw new XmlPoolException($"a data block of {sectors} sectors: {ThinMetadata.DataBlockSizeRule}");
        if (dataBlocks > BlockTime.MaxBlock)
            throw new XmlPoolException($"{dataBlocks} data blocks: at most {BlockTime.MaxBlock} can be mapped");
        if (superblock.Version is not (1 or 2))
            throw new XmlPoolException($"version {superblock.Version}: 1 and 2 are known");
        if ((superblock.Flags & ~SuperblockView.NeedsCheckFlag) != 0)
            throw new XmlPoolException($"flags {superblock.Flags}: only {SuperblockView.NeedsCheckFlag} (needs check) is known");
        if (superblock.HasMetadataSnapshot)
            Warn("the metadata snapshot is not restored: the XML has the devices of the pool alone");
        _builder = new MetadataBuilder(target, metadataBlocks, new PoolFields(superblock.Time,
            options.TransactionId ?? superblock.TransactionId, superblock.Flags, superblock.Version, sectors, dataBlocks));
    }

    public void BeginDef(string name)
    {
        if (_defs.ContainsKey(name))
            throw new XmlPoolException($"there are two <def> of the name \"{XmlPoolAttributes.Shorten(name)}\"");
        _def = unused.Contains(name) ? null : new RestoreDef(Builder);
        _defs.Add(name, _def);
        (_next, _inSection, _isPastLast) = (0, 0, false);
    }

    public void EndDef()
    {
        _def?.Complete();
        _def = null;
    }

    public void BeginDevice(uint id, DeviceDetails details)
    {
        if (id > ThinId.MaxValue)
            throw new XmlPoolException($"thin device {id}: the highest id is {ThinId.MaxValue}");
        if (Builder.HasDevice(id))
            throw new XmlPoolException($"thin device {id} is there twice");
        RequirePast(details.CreationTime, $"thin device {id} was made");
        RequirePast(details.SnapshottedTime, $"thin device {id} was last snapshotted");
        _device = (id, details);
        _tree = Builder.NewMappings();
        (_next, _inSection, _isPastLast) = (0, 0, false);
    }

    public void EndDevice()
    {
        var (id, details) = _device;
        if (details.MappedBlocks != _inSection)
            Warn($"thin device {id} has {_inSection} mappings, and not the {details.MappedBlocks} that its mapped_blocks says");
        Builder.AddDevice(id, _tree!.Finish(), details with { MappedBlocks = _inSection });
        _mappings += _inSection;
        _tree = null;
    }

    public void Map(ulong begin, ulong dataBegin, ulong length, uint time)
    {
        var fields = Builder.Fields;
        if (length == 0)
            throw new XmlPoolException($"the range that begins with virtual block {begin} has no length");
        RequireBehind(begin, begin + (length - 1), begin > ulong.MaxValue - (length - 1));
        if (dataBegin >= fields.DataBlocks || length > fields.DataBlocks - dataBegin)
            throw new XmlPoolException(length == 1
                ? $"virtual block {begin} maps to data block {dataBegin}, beyond the {fields.DataBlocks} there are"
                : $"the {length} virtual blocks from {begin} on map to data blocks from {dataBegin} on, "
                    + $"beyond the {fields.DataBlocks} there are");
        if (time > BlockTime.MaxTime)
            throw new XmlPoolException($"virtual block {begin} was mapped at time {time}: the highest is {BlockTime.MaxTime}");
        RequirePast(time, $"virtual block {begin} was mapped");
        _inSection += length;
        if (_tree != null)
            Builder.CountData(dataBegin, length);
        for (var i = 0UL; i < length; i++)
        {
            var value = new BlockTime(dataBegin + i, time).Pack();
            if (_tree != null)
                _tree.Add(begin + i, value);
            else
                _def?.Add(begin + i, value);
        }
    }

    public void Refer(string name)
    {
        if (!_defs.TryGetValue(name, out var def) || def == null)
            throw new XmlPoolException($"there is no <def> of the name \"{XmlPoolAttributes.Shorten(name)}\" before this <ref>");
        def.IsUsed = true;
        if (def.Count == 0)
            return;
        RequireBehind(def.FirstKey, def.LastKey, isTooLong: false);
        _inSection += def.Count;
        foreach (var leaf in def.Leaves)
            _tree!.Add(leaf);
    }

    /// <inheritdoc/>
    public void Dispose() => _builder?.Dispose();

    /// <summary>Mappings come in order, and no virtual block twice.</summary>
    private void RequireBehind(ulong first, ulong last, bool isTooLong)
    {
        if (isTooLong)
            throw new XmlPoolException($"the range that begins with virtual block {first} goes beyond the last one, {ulong.MaxValue}");
        if (first < _next || _isPastLast)
            throw new XmlPoolException($"virtual block {first} comes behind {(_isPastLast ? ulong.MaxValue : _next - 1)}: "
                + "mappings must be in order and none may be there twice");
        (_next, _isPastLast) = (last + 1, last == ulong.MaxValue);
    }

    private void RequirePast(uint time, string what)
    {
        if (time > Builder.Fields.Time)
            throw new XmlPoolException($"{what} at time {time}, and it is {Builder.Fields.Time}");
    }

    private void Warn(string message)
    {
        if (_warnings.Count < MetadataRestore.MaxWarnings)
            _warnings.Add(message);
    }
}
