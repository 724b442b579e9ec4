using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>
/// A state of a pool's metadata, read from the disk by a tool: its superblock, its devices, its mapping trees. Never writes, caches
/// nothing. Errors are <see cref="MetadataException"/> and carry the path of blocks from the superblock and the virtual blocks concerned.
/// Used by one thread.
/// </summary>
internal sealed class MetadataReader
{
    private readonly byte[] _superblock = new byte[BlockFormat.BlockBytes];
    private readonly byte[] _held = new byte[BlockFormat.BlockBytes];
    private readonly MetadataState _state;

    private MetadataReader(IDisk disk, MetadataState state)
    {
        Disk = disk;
        _state = state;
    }

    /// <summary>The metadata region.</summary>
    public IDisk Disk { get; }

    /// <summary>Metadata blocks of the pool that are there.</summary>
    public ulong Blocks { get; private set; }

    /// <summary>The pool's superblock.</summary>
    public SuperblockView Superblock => new(_superblock);

    /// <summary>The superblock of the state that is read: the pool's, or its copy in the metadata snapshot.</summary>
    public SuperblockView View => new(ViewBytes);

    /// <summary>All of that block; of a metadata snapshot with the pool's space maps.</summary>
    public byte[] ViewBytes => _state == MetadataState.Held ? _held : _superblock;

    /// <summary>The blocks from the superblock to the roots: none, or the metadata snapshot.</summary>
    public ulong[] Above => _state == MetadataState.Held ? [Superblock.HeldRoot] : [];

    /// <summary>Opens metadata; the superblock must be one that this program can serve.</summary>
    /// <exception cref="MetadataException">
    /// NotThinMetadata, Misplaced, Corrupt, Unsupported or Io; NotFound when there is no metadata snapshot to read.
    /// </exception>
    public static MetadataReader Open(IDisk disk, MetadataState state = MetadataState.Committed)
    {
        ArgumentNullException.ThrowIfNull(disk);
        var reader = new MetadataReader(disk, state);
        using (var store = new SuperblockStore(disk))
        {
            store.Read();
            store.Bytes.CopyTo(reader._superblock);
        }
        reader.Blocks = Math.Min(reader.Superblock.MetadataSpaceMap.Blocks, (ulong)disk.LengthBytes / BlockFormat.BlockBytes);
        if (state == MetadataState.Held)
            reader.ReadHeld();
        return reader;
    }

    /// <summary>The details of every thin device, by id.</summary>
    public SortedDictionary<uint, DeviceDetails> ReadDetails()
    {
        var all = new SortedDictionary<uint, DeviceDetails>();
        ForEachLeaf(View.DetailsRoot, DeviceDetails.SizeBytes, "device details", leaf =>
        {
            for (var i = 0; i < leaf.Count; i++)
                all[ToThinId(leaf.Key(i)).Value] = DeviceDetails.Read(leaf.Value(i));
        });
        return all;
    }

    /// <summary>The root of every thin device's mappings, by id.</summary>
    public SortedDictionary<uint, ulong> ReadRoots()
    {
        var all = new SortedDictionary<uint, ulong>();
        ForEachLeaf(View.MappingRoot, sizeof(ulong), "top level of mappings", leaf =>
        {
            for (var i = 0; i < leaf.Count; i++)
                all[ToThinId(leaf.Key(i)).Value] = leaf.Value64(i);
        });
        return all;
    }

    /// <summary>The mappings of one device whose root is known, from the lowest on.</summary>
    public LeafStream OpenMappings(ThinId id, ulong root) => new(this, root, sizeof(ulong), "mappings", id);

    /// <summary>The mapping root of one device.</summary>
    /// <exception cref="MetadataException">NotFound, Corrupt or Io.</exception>
    public ulong FindRoot(ThinId id) => ReadRoots().TryGetValue(id.Value, out var root)
        ? root
        : throw new MetadataException(MetadataError.NotFound, $"there is no thin device {id}");

    /// <summary>The blocks from the superblock to the leaf that has a device's root, as far as they can be read. For errors.</summary>
    public IEnumerable<ulong> PathTo(ThinId id) => Above.Concat(TreePath.To(Disk, Blocks, View.MappingRoot, id.Value));

    private delegate void LeafVisitor(NodeView leaf);

    private void ForEachLeaf(ulong root, int valueBytes, string name, LeafVisitor visitor)
    {
        using var leaves = new LeafStream(this, root, valueBytes, name, null);
        while (leaves.TryNext(out var leaf))
            visitor(leaf);
    }

    private static ThinId ToThinId(ulong key) => key <= ThinId.MaxValue
        ? new ThinId((uint)key)
        : throw new MetadataException(MetadataError.Corrupt, $"thin id {key} is above {ThinId.MaxValue}");

    private void ReadHeld()
    {
        var number = Superblock.HeldRoot;
        if (number == 0)
            throw new MetadataException(MetadataError.NotFound, "the pool holds no metadata snapshot");
        if (number >= Blocks)
            throw new MetadataException(
                MetadataError.Corrupt, $"superblock -> {number}: the metadata snapshot lies beyond the {Blocks} blocks of the metadata");
        try
        {
            Disk.Read((long)number * BlockFormat.BlockBytes, _held);
        }
        catch (DiskException e)
        {
            throw new MetadataException(MetadataError.Io, $"superblock -> {number}: the metadata snapshot cannot be read: {e.Message}", e);
        }
        if (BlockFormat.Check(BlockKind.Superblock, number, _held) is { } wrong)
            throw new MetadataException(MetadataError.Corrupt, $"superblock -> {number}: the metadata snapshot is damaged: {wrong}");
        // A copy has no space maps of its own, and none would be true of it.
        _superblock.AsSpan(SuperblockView.DataSpaceMapOffset, 2 * SpaceMapRoot.AreaBytes)
            .CopyTo(_held.AsSpan(SuperblockView.DataSpaceMapOffset));
    }
}
