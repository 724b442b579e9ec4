using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools.Check;

namespace CsiThin.Core.Tools.Building;

/// <summary>What a superblock says besides where its trees are.</summary>
internal sealed record PoolFields(uint Time, ulong TransactionId, uint Flags, uint Version, uint DataBlockSectors, ulong DataBlocks);

/// <summary>
/// Builds a pool's metadata from the bottom up: trees of mappings first, whole devices next, and at last the space maps and the superblock.
/// Used twice over for one pool: without a disk it counts the blocks needed, with one it writes them. Invariants: the data counts are those
/// of the leaves in the output, each counted once however often it is shared; nothing but <see cref="Complete"/> writes block 0.
/// Not thread safe.
/// </summary>
internal sealed class MetadataBuilder : IDisposable
{
    private readonly IDisk? _disk;
    private readonly SortedDictionary<uint, (ulong Root, DeviceDetails Details)> _devices = [];

    /// <summary>A builder that writes to <paramref name="disk"/>, or one that only counts blocks.</summary>
    public MetadataBuilder(IDisk? disk, ulong metadataBlocks, PoolFields fields)
    {
        _disk = disk;
        Fields = fields;
        Output = new TreeBuilderOutput(disk, metadataBlocks);
        var bitmaps = SpaceMapBuilder.BitmapsFor(fields.DataBlocks);
        if (bitmaps > metadataBlocks)
            throw new MetadataException(MetadataError.NoMetadataSpace,
                $"{fields.DataBlocks} data blocks need more than {bitmaps} metadata blocks of {BlockFormat.BlockBytes} bytes, "
                + $"and there are {metadataBlocks}");
    }

    /// <summary>The superblock to come.</summary>
    public PoolFields Fields { get; }

    /// <summary>Where the blocks go.</summary>
    public TreeBuilderOutput Output { get; }

    /// <summary>References to data blocks.</summary>
    public ReferenceCounts Data { get; } = new();

    /// <summary>Devices so far.</summary>
    public int Devices => _devices.Count;

    /// <summary>The metadata blocks of a disk that a pool can use.</summary>
    public static ulong BlocksOf(IDisk disk) => Math.Min((ulong)disk.LengthBytes / BlockFormat.BlockBytes, IndexEntry.MaxMetadataBlocks);

    /// <summary>A tree of mappings, to be filled in order.</summary>
    public TreeBuilder NewMappings() => new(Output, sizeof(ulong));

    /// <summary>Counts the references of a run of mappings. Once there is no room anyway they are no longer looked at.</summary>
    public void CountData(ulong begin, ulong length)
    {
        if (Output.IsOverfull)
            return;
        for (var i = 0UL; i < length; i++)
            Data.Add(begin + i);
    }

    public bool HasDevice(uint id) => _devices.ContainsKey(id);

    public void AddDevice(uint id, ulong root, DeviceDetails details) => _devices.Add(id, (root, details));

    /// <summary>
    /// Builds what is left and returns the number of blocks that the whole takes. With a disk all of it is durable then.
    /// </summary>
    /// <exception cref="MetadataException">NoMetadataSpace, with the number of blocks needed.</exception>
    /// <exception cref="DiskException">The disk failed: it holds no pool.</exception>
    public ulong Complete()
    {
        var (mappings, details) = BuildDevices();
        var data = SpaceMapBuilder.BuildData(Output, Data, Fields.DataBlocks);
        var metadata = SpaceMapBuilder.BuildMetadata(Output);
        if (Output.IsOverfull)
            throw new MetadataException(MetadataError.NoMetadataSpace,
                $"the metadata needs {Output.Next} blocks of {BlockFormat.BlockBytes} bytes, and there are {Output.Blocks}");
        if (_disk == null)
            return Output.Next;
        Output.Flush();
        _disk.Barrier();
        using var store = new SuperblockStore(_disk);
        var block = new byte[BlockFormat.BlockBytes];
        _ = new SuperblockEditor(block)
        {
            Flags = Fields.Flags,
            Magic = SuperblockView.MagicValue,
            Version = Fields.Version,
            Time = Fields.Time,
            TransactionId = Fields.TransactionId,
            MappingRoot = mappings,
            DetailsRoot = details,
            DataSpaceMap = data,
            MetadataSpaceMap = metadata,
            DataBlockSectors = Fields.DataBlockSectors,
            MetadataBlockSectors = BlockFormat.BlockSectors,
            MetadataBlocks = Output.Blocks,
        };
        store.Write(block);
        return Output.Next;
    }

    /// <inheritdoc/>
    public void Dispose() => Output.Dispose();

    private (ulong Mappings, ulong Details) BuildDevices()
    {
        var mappings = new TreeBuilder(Output, sizeof(ulong));
        foreach (var (id, (root, _)) in _devices)
            mappings.Add(id, root);
        var details = new TreeBuilder(Output, DeviceDetails.SizeBytes);
        Span<byte> value = stackalloc byte[DeviceDetails.SizeBytes];
        foreach (var (id, device) in _devices)
        {
            device.Details.Write(value);
            details.Add(id, value);
        }
        return (mappings.Finish(), details.Finish());
    }
}
