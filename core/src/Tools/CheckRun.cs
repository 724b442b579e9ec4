using System.Buffers.Binary;
using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>One run of <see cref="MetadataChecker"/> over the trees; the space maps' part is <see cref="SpaceMapCheck"/>.</summary>
internal sealed class CheckRun
{
    private readonly byte[] _superblock;
    private readonly bool _isStrict;
    private readonly CheckFindings _findings = new();
    private readonly ReferenceCounts _metadata = new();
    private readonly ReferenceCounts _data = new();
    private readonly CheckReader _reader;
    private readonly CheckWalk _walk;
    private readonly Dictionary<ulong, DeviceDetails> _details = [];
    private readonly HashSet<ulong> _mapped = [];

    public CheckRun(IDisk disk, byte[] superblock, bool isStrict)
    {
        _isStrict = isStrict;
        _superblock = superblock;
        _reader = new CheckReader(disk, View.MetadataSpaceMap.Blocks, _findings);
        _walk = new CheckWalk(_reader, _metadata, _findings);
    }

    private SuperblockView View => new(_superblock);

    public IReadOnlyList<MetadataFinding> Run()
    {
        var claimed = View.MetadataSpaceMap.Blocks;
        if (claimed is 0 or > IndexEntry.MaxMetadataBlocks || claimed != _reader.Blocks)
            _findings.Add(FindingKind.Superblock, $"the metadata claims {claimed} blocks and {_reader.Blocks} of them are there", []);
        _metadata.Add(MetaBlock.Superblock.Value);
        CheckDetails(View.DetailsRoot, []);
        CheckMappings(View.MappingRoot, [], isCurrent: true);
        foreach (var (id, details) in _details)
            if (!_mapped.Contains(id))
                _findings.Add(FindingKind.BadDetails,
                    $"thin device {id} has details ({details.MappedBlocks} blocks) but no mapping tree", []);
        CheckHeld();
        CheckSpaceMaps();
        return _findings.All;
    }

    private void CheckDetails(ulong root, IReadOnlyList<ulong> above) =>
        _walk.Walk(root, new("device details", DeviceDetails.SizeBytes), above, (key, value) =>
        {
            if (key > ThinId.MaxValue)
                _findings.Add(FindingKind.BadDetails, $"thin id {key} is above {ThinId.MaxValue}", _walk.Path);
            _details[key] = DeviceDetails.Read(value);
        });

    private void CheckMappings(ulong root, IReadOnlyList<ulong> above, bool isCurrent)
    {
        var subtrees = new List<(ulong Id, ulong Root, IReadOnlyList<ulong> Above)>();
        _walk.Walk(root, new("top level of mappings", sizeof(ulong)), above, (key, value) =>
            subtrees.Add((key, BinaryPrimitives.ReadUInt64LittleEndian(value), [.. _walk.Path])));
        foreach (var (id, subtree, path) in subtrees)
        {
            var tree = new CheckedTree("mappings", sizeof(ulong)) { Thin = id <= ThinId.MaxValue ? new ThinId((uint)id) : null };
            var count = _walk.Walk(subtree, tree, path, CheckMapping);
            if (!isCurrent)
                continue;
            _mapped.Add(id);
            if (!_details.TryGetValue(id, out var details))
                _findings.Add(FindingKind.BadDetails, $"thin device {id} has {count} mappings but no details", path);
            else if (details.MappedBlocks != count)
                _findings.Add(FindingKind.BadDetails,
                    $"thin device {id} claims {details.MappedBlocks} mapped blocks and has {count}", path);
        }
    }

    private void CheckMapping(ulong key, ReadOnlySpan<byte> value)
    {
        var mapping = BlockTime.Unpack(BinaryPrimitives.ReadUInt64LittleEndian(value));
        if (mapping.Block >= View.DataSpaceMap.Blocks)
            _walk.Report(FindingKind.BadMapping,
                key, $"virtual block {key} maps to data block {mapping.Block} of {View.DataSpaceMap.Blocks}");
        else if (!_data.Add(mapping.Block, maxPages: _reader.Blocks))
            _walk.Report(FindingKind.DamagedBlock, key, "more of the data is mapped than this metadata can have bitmaps for");
        if (mapping.Time > View.Time)
            _walk.Report(FindingKind.BadMapping, key, $"virtual block {key} was mapped at time {mapping.Time}, and it is {View.Time}");
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
        var current = new Dictionary<ulong, DeviceDetails>(_details);
        CheckDetails(detailsRoot, [number]);
        CheckMappings(mappingRoot, [number], isCurrent: false);
        _details.Clear();
        foreach (var (id, details) in current)
            _details.Add(id, details);
    }

    private void CheckSpaceMaps()
    {
        // Both structures are walked before either is judged: the data map's trees are made of metadata blocks.
        var data = new SpaceMapCheck("data", View.DataSpaceMap, _reader, _walk, _metadata, _findings);
        data.ReadTree();
        var metadata = new SpaceMapCheck("metadata", View.MetadataSpaceMap, _reader, _walk, _metadata, _findings);
        metadata.ReadIndexBlock();
        // Below an unreadable block nothing was counted, so counts say nothing any more.
        if (_findings.HasHiddenReferences)
            return;
        data.Compare(_data, _isStrict);
        metadata.Compare(_metadata, _isStrict);
    }
}
