using System.Buffers.Binary;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>
/// Lists thin devices with what each has alone: what thin_ls shows. Every leaf is read once, whoever shares it, in the order of the disk.
/// Steps: (1) the internal nodes of all trees, which say whose each leaf is, or that it is several devices'; (2) the leaves, and for each
/// data block its one owner, or that it has several. Takes four bytes for each mapped data block.
/// </summary>
public sealed class MetadataListing
{
    /// <summary>In place of an owner: several devices.</summary>
    private const int Several = -1;

    private const long SectorBytes = 512;

    private readonly MetadataReader _reader;
    private readonly ToolRun _run;
    private readonly Dictionary<ulong, int[]> _pages = [];
    private readonly List<ulong> _exclusive = [];

    private MetadataListing(MetadataReader reader, ToolRun run) => (_reader, _run) = (reader, run);

    /// <summary>All thin devices.</summary>
    /// <exception cref="MetadataException">Corrupt, Io and others, with the path of blocks; NotFound when no moment is held.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public static PoolOccupancy Read(IDisk disk, MetadataState state, ToolRun run)
    {
        ArgumentNullException.ThrowIfNull(disk);
        ArgumentNullException.ThrowIfNull(run);
        return new MetadataListing(MetadataReader.Open(disk, state), run).Read();
    }

    private PoolOccupancy Read()
    {
        var details = _reader.ReadDetails();
        var roots = _reader.ReadRoots();
        var owners = new ListingOwners(_reader, _run, [.. roots.Values]);
        for (var i = 0; i < roots.Count; i++)
            _exclusive.Add(0);
        var leaves = owners.Leaves.ToArray();
        using (var blocks = new OrderedBlocks(_reader.Disk, leaves.Length, index => leaves[index].Number))
        {
            while (blocks.TryNext(out var index, out var block, out var failure))
            {
                if (index % BulkRead.RunBlocks == 0)
                    _run.Report("mappings", (ulong)index, (ulong)leaves.Length);
                Count(owners.Judge(leaves[index].Number, block, failure, isLeaf: true), leaves[index].Owner);
            }
        }
        var exclusive = roots.Keys.Zip(_exclusive).ToDictionary(static pair => pair.First, static pair => pair.Second);
        var devices = details.Select(pair => new DeviceOccupancy(
            new ThinId(pair.Key),
            pair.Value.MappedBlocks,
            exclusive.GetValueOrDefault(pair.Key),
            pair.Value.TransactionId,
            pair.Value.CreationTime,
            pair.Value.SnapshottedTime));
        return new PoolOccupancy(_reader.View.DataBlockSectors * SectorBytes, [.. devices]);
    }

    private void Count(NodeView leaf, int owner)
    {
        var values = leaf.Values(0, leaf.Count);
        for (var i = 0; i < leaf.Count; i++)
        {
            var block = BlockTime.Unpack(BinaryPrimitives.ReadUInt64LittleEndian(values[(i * sizeof(ulong))..])).Block;
            ref var known = ref Owner(block);
            if (known == 0 && owner != Several)
                _exclusive[owner]++;
            else if (known > 0)
                _exclusive[known - 1]--;
            known = known == 0 && owner != Several ? owner + 1 : Several;
        }
    }

    /// <summary>The owner of a data block plus one; 0 as long as none is known.</summary>
    private ref int Owner(ulong block)
    {
        var index = block / Bitmap.Entries;
        if (!_pages.TryGetValue(index, out var page))
        {
            if ((ulong)_pages.Count >= _reader.Blocks)
                throw new MetadataException(MetadataError.Corrupt, "more of the data is mapped than this metadata can have bitmaps for");
            _pages.Add(index, page = new int[Bitmap.Entries]);
        }
        return ref page[block % Bitmap.Entries];
    }
}
