using System.Buffers.Binary;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Tools.Building;
using CsiThin.Core.Tools.Check;

namespace CsiThin.Core.Tools.Repair;

/// <summary>Builds the new metadata from the chosen roots, or only counts its blocks.</summary>
internal sealed class RepairPass : IDisposable
{
    private readonly RepairSource _source;
    private readonly MetadataBuilder _builder;
    private readonly RepairTrees _trees;
    private readonly RepairCopier _copier;
    private readonly CheckFindings _findings = new();
    private readonly List<RepairedDevice> _kept = [];
    private readonly SortedSet<uint> _lost = [];

    public RepairPass(RepairSource source, IDisk? target, ulong metadataBlocks, PoolFields fields)
    {
        _source = source;
        _builder = new MetadataBuilder(target, metadataBlocks, fields);
        _trees = new RepairTrees(source, fields.DataBlocks, fields.Time);
        _copier = new RepairCopier(source, _builder);
    }

    private PoolFields Fields => _builder.Fields;

    /// <summary>Builds it all.</summary>
    /// <exception cref="Metadata.MetadataException">Corrupt when no device is left of those there were; NoMetadataSpace.</exception>
    public RepairResult Build(DetailsCandidate? details, MappingCandidate mappings, ToolRun run)
    {
        if (details != null)
            NoteLostDetails(details.Root);
        var subtrees = new List<(ulong Id, ulong Root, ulong[] Path)>();
        new RepairWalk(_source, "top level of mappings", sizeof(ulong)) { Lost = NoteLost(FindingKind.DamagedBlock, "thin devices") }
            .Visit(mappings.Root, [], (id, value, path) =>
                subtrees.Add((id, BinaryPrimitives.ReadUInt64LittleEndian(value), [.. path])));
        foreach (var (id, root, path) in subtrees)
        {
            run.Report("devices", (ulong)_kept.Count, (ulong)subtrees.Count);
            if (id > ThinId.MaxValue)
                _findings.Add(FindingKind.BadDetails, $"thin id {id} is above {ThinId.MaxValue} and is left out", path);
            else
                Keep((uint)id, root, path, details);
        }
        foreach (var id in details?.Devices.Keys.Where(id => id <= ThinId.MaxValue && !_builder.HasDevice((uint)id)) ?? [])
            _lost.Add((uint)id);
        if (_kept.Count == 0 && _lost.Count > 0)
            throw new Metadata.MetadataException(Metadata.MetadataError.Corrupt,
                $"nothing can be repaired: of {_lost.Count} thin devices no mapping can be reached");
        return new RepairResult(_kept, [.. _lost.Select(static id => new ThinId(id))], _findings.All, _builder.Complete());
    }

    /// <inheritdoc/>
    public void Dispose() => _builder.Dispose();

    private void Keep(uint id, ulong root, ulong[] path, DetailsCandidate? details)
    {
        var hasDetails = details?.Devices.TryGetValue(id, out _) == true;
        var claimed = hasDetails ? details!.Devices[id] : new DeviceDetails(0, 0, Fields.Time, Fields.Time);
        if (!TryCopy(id, root, path, out var copy, out var mapped))
        {
            _lost.Add(id);
            return;
        }
        _kept.Add(new RepairedDevice(new ThinId(id), mapped, hasDetails ? claimed.MappedBlocks : null));
        if (!hasDetails)
            _findings.Add(FindingKind.BadDetails, $"thin device {id} has lost its details; it counts as snapshotted just now", path);
        else if (claimed.MappedBlocks != mapped)
            _findings.Add(FindingKind.BadDetails,
                $"thin device {id} claimed {claimed.MappedBlocks} mapped blocks and has {mapped} now", path);
        _builder.AddDevice(id, copy, claimed with
        {
            MappedBlocks = mapped,
            CreationTime = Math.Min(claimed.CreationTime, Fields.Time),
            SnapshottedTime = Math.Min(claimed.SnapshottedTime, Fields.Time),
        });
    }

    /// <summary>A whole tree where it is sound, else one made of what is left. False when nothing is.</summary>
    private bool TryCopy(uint id, ulong root, ulong[] path, out ulong copy, out ulong mapped)
    {
        var verdict = _trees.Judge(root);
        (copy, mapped) = (0, verdict.Entries);
        if (verdict.IsSound)
        {
            copy = _copier.Copy(root);
            return true;
        }
        var tree = _builder.NewMappings();
        var count = 0UL;
        var walk = new RepairWalk(_source, "mappings", sizeof(ulong))
        {
            Lost = (first, last, reason, blocks) => NoteRange(FindingKind.DamagedBlock, id, first, last, reason, blocks),
            TakeLeaf = (number, leaf) =>
            {
                if (!_trees.Judge(number).IsSound)
                    return false;
                count += (ulong)new NodeView(leaf).Count;
                tree.Add(_copier.Leaf(number, new NodeView(leaf)));
                return true;
            },
        };
        walk.Visit(root, path, (key, value, blocks) => count += KeepMapping(tree, id, key, value, blocks) ? 1UL : 0);
        mapped = count;
        if (count > 0)
            copy = tree.Finish();
        return count > 0;
    }

    private bool KeepMapping(TreeBuilder tree, uint id, ulong key, ReadOnlySpan<byte> value, IReadOnlyList<ulong> path)
    {
        var mapping = BlockTime.Unpack(BinaryPrimitives.ReadUInt64LittleEndian(value));
        if (mapping.Block >= Fields.DataBlocks)
        {
            NoteRange(FindingKind.BadMapping, id, key, key, $"it maps to data block {mapping.Block} of {Fields.DataBlocks}", path);
            return false;
        }
        if (mapping.Time > Fields.Time)
        {
            _findings.Add(FindingKind.BadMapping,
                $"thin device {id}: virtual block {key} was mapped at time {mapping.Time}, and it is {Fields.Time}; kept with time 0",
                path);
            mapping = mapping with { Time = 0 };
        }
        _copier.Add(tree, key, mapping.Pack());
        return true;
    }

    private void NoteLostDetails(ulong root) =>
        new RepairWalk(_source, "device details", DeviceDetails.SizeBytes)
        {
            Lost = NoteLost(FindingKind.BadDetails, "details of thin devices"),
        }.Visit(root, [], static (_, _, _) => { });

    private Action<ulong, ulong, string, IReadOnlyList<ulong>> NoteLost(FindingKind kind, string what) => (first, last, reason, path) =>
        _findings.Add(kind, $"{what} from {first} to {Math.Min(last, ThinId.MaxValue)} are lost: {reason}", path);

    private void NoteRange(FindingKind kind, uint id, ulong first, ulong last, string reason, IReadOnlyList<ulong> path) =>
        _findings.Add(new MetadataFinding(kind, reason, [.. path.Select(static block => new MetaBlock(block))])
        {
            Thin = new ThinId(id),
            Begin = new VirtualBlock(first),
            End = last == ulong.MaxValue ? null : new VirtualBlock(last + 1),
        });
}
