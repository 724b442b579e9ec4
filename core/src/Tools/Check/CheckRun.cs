using System.Buffers.Binary;
using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Check;

/// <summary>One run of <see cref="MetadataChecker"/> over the trees; the space maps' part is <see cref="SpaceMapCheck"/>.</summary>
internal sealed class CheckRun
{
    private readonly byte[] _superblock;
    private readonly CheckOptions _options;
    private readonly CheckFindings _findings = new();
    private readonly ReferenceCounts _metadata = new();
    private readonly ReferenceCounts _data = new();
    private readonly CheckReader _reader;
    private readonly CheckWalk _walk;
    private readonly ulong _dataBlocks;
    private readonly uint _time;

    /// <summary>Will check what <paramref name="superblock"/> leads to.</summary>
    public CheckRun(IDisk disk, byte[] superblock, CheckOptions options, ToolRun run)
    {
        _options = options;
        _superblock = superblock;
        (_dataBlocks, _time) = (View.DataSpaceMap.Blocks, View.Time);
        _reader = new CheckReader(disk, View.MetadataSpaceMap.Blocks, _findings);
        _walk = new CheckWalk(_reader, _metadata, _findings, new CheckProgress(run, View.MetadataSpaceMap.Allocated));
    }

    /// <summary>What was found; <see cref="Run"/> fills it.</summary>
    public CheckFindings Findings => _findings;

    private SuperblockView View => new(_superblock);

    /// <summary>Looks at everything the options ask for; <paramref name="above"/> are the blocks that lead to the superblock.</summary>
    public IReadOnlyList<MetadataFinding> Run(IReadOnlyList<ulong> above)
    {
        var claimed = View.MetadataSpaceMap.Blocks;
        if (claimed is 0 or > IndexEntry.MaxMetadataBlocks || claimed != _reader.Blocks)
            _findings.Add(FindingKind.Superblock, $"the metadata claims {claimed} blocks and {_reader.Blocks} of them are there", []);
        _metadata.Add(MetaBlock.Superblock.Value);
        var details = CheckDetails(View.DetailsRoot, above);
        CheckMappings(View.MappingRoot, above, details);
        if (_options.State == MetadataState.Held)
            return _findings.All;
        CheckHeld();
        CheckSpaceMaps();
        return _findings.All;
    }

    private Dictionary<ulong, DeviceDetails> CheckDetails(ulong root, IReadOnlyList<ulong> above)
    {
        var all = new Dictionary<ulong, DeviceDetails>();
        _walk.Walk(root, new("device details", DeviceDetails.SizeBytes) { HasDeviceKeys = true }, above, leaf =>
        {
            for (var i = 0; i < leaf.Count; i++)
            {
                if (leaf.Key(i) > ThinId.MaxValue)
                    _findings.Add(FindingKind.BadDetails, $"thin id {leaf.Key(i)} is above {ThinId.MaxValue}", _walk.Path);
                all[leaf.Key(i)] = DeviceDetails.Read(leaf.Value(i));
            }
        });
        return all;
    }

    /// <summary>Checks all mapping trees, and against <paramref name="details"/> where they are known.</summary>
    private void CheckMappings(ulong root, IReadOnlyList<ulong> above, Dictionary<ulong, DeviceDetails>? details)
    {
        var ids = new List<ulong>();
        var trees = new List<CheckedRoot>();
        _walk.Walk(root, new("top level of mappings", sizeof(ulong)) { HasDeviceKeys = true }, above, leaf =>
        {
            var path = _walk.Path;
            for (var i = 0; i < leaf.Count; i++)
            {
                var thin = leaf.Key(i) <= ThinId.MaxValue ? new ThinId((uint)leaf.Key(i)) : default(ThinId?);
                ids.Add(leaf.Key(i));
                trees.Add(new CheckedRoot(leaf.Value64(i), new("mappings", sizeof(ulong)) { Thin = thin }, path));
            }
        });
        var counts = _options.SkipMappings ? null : _walk.Walk(trees, CheckLeaf);
        if (details == null)
            return;
        for (var i = 0; i < ids.Count; i++)
            CompareDetails(ids[i], details, counts?[i], trees[i].Above);
        foreach (var id in details.Keys.Except(ids))
            _findings.Add(FindingKind.BadDetails,
                $"thin device {id} has details ({details[id].MappedBlocks} blocks) but no mapping tree", []);
    }

    private void CompareDetails(ulong id, Dictionary<ulong, DeviceDetails> all, ulong? count, IReadOnlyList<ulong> path)
    {
        if (!all.TryGetValue(id, out var details))
            _findings.Add(FindingKind.BadDetails, $"thin device {id} has {count?.ToString() ?? "its"} mappings but no details", path);
        else if (count is { } counted && details.MappedBlocks != counted)
            _findings.Add(FindingKind.BadDetails,
                $"thin device {id} claims {details.MappedBlocks} mapped blocks and has {counted}", path);
    }

    private void CheckLeaf(NodeView leaf)
    {
        var values = leaf.Values(0, leaf.Count);
        for (var i = 0; i < leaf.Count; i++)
        {
            var mapping = BlockTime.Unpack(BinaryPrimitives.ReadUInt64LittleEndian(values[(i * sizeof(ulong))..]));
            if (mapping.Block >= _dataBlocks || mapping.Time > _time)
                ReportMapping(leaf.Key(i), mapping);
            if (mapping.Block < _dataBlocks && !_data.Add(mapping.Block, maxPages: _reader.Blocks))
                _walk.Report(FindingKind.DamagedBlock,
                    leaf.Key(i), "more of the data is mapped than this metadata can have bitmaps for");
        }
    }

    private void ReportMapping(ulong key, BlockTime mapping)
    {
        if (mapping.Block >= _dataBlocks)
            _walk.Report(FindingKind.BadMapping, key, $"virtual block {key} maps to data block {mapping.Block} of {_dataBlocks}");
        if (mapping.Time > _time)
            _walk.Report(FindingKind.BadMapping, key, $"virtual block {key} was mapped at time {mapping.Time}, and it is {_time}");
    }

    private void CheckHeld()
    {
        var number = View.HeldRoot;
        if (number == 0)
            return;
        if (number < _reader.Blocks)
            _metadata.Add(number);
        var block = new byte[BlockFormat.BlockBytes];
        if (!_reader.TryRead(number, BlockKind.Superblock, block, [number]))
            return;
        var held = new SuperblockView(block);
        var (mappingRoot, detailsRoot) = (held.MappingRoot, held.DetailsRoot);
        _ = CheckDetails(detailsRoot, [number]); // held details say nothing about the present mappings
        CheckMappings(mappingRoot, [number], details: null);
    }

    private void CheckSpaceMaps()
    {
        // Both structures are walked before either is judged: the data map's trees are made of metadata blocks.
        var data = new SpaceMapCheck(SpaceMapKind.Data, View.DataSpaceMap, _reader, _walk, _metadata, _findings);
        data.ReadTree();
        var metadata = new SpaceMapCheck(SpaceMapKind.Metadata, View.MetadataSpaceMap, _reader, _walk, _metadata, _findings);
        metadata.ReadIndexBlock();
        // Below an unreadable block, or one that was not looked at, nothing was counted, so counts say nothing any more.
        if (_findings.HasHiddenReferences || _options.SkipMappings)
            return;
        data.Compare(_data, _options.Strict);
        metadata.Compare(_metadata, _options.Strict);
    }
}
