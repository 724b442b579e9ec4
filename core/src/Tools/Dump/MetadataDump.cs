using System.Buffers.Binary;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools.Dump;

/// <summary>
/// Writes a pool's devices and mappings as the text that thin_dump 0.9 writes, to the byte. Reads the disk itself, and never writes to it.
/// </summary>
public static class MetadataDump
{
    /// <summary>Dumps all of the last commit as XML.</summary>
    /// <exception cref="MetadataException">
    /// NotThinMetadata, Corrupt, Unsupported or Io: what was written so far is no whole dump.
    /// </exception>
    public static void Write(IDisk device, TextWriter output) => Write(device, output, new DumpOptions(), ToolRun.Quiet);

    /// <summary>Dumps what the options ask for.</summary>
    /// <exception cref="MetadataException">
    /// NotThinMetadata, Corrupt, Unsupported or Io: what was written so far is no whole dump. NotFound when the one device asked for is not
    /// there, or no metadata snapshot is held: nothing was written.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public static void Write(IDisk device, TextWriter output, DumpOptions options, ToolRun run)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(run);
        using var store = new SuperblockStore(device);
        store.Read();
        var blocks = store.View.MetadataSpaceMap.Blocks;
        var superblock = options.State == MetadataState.Held ? ReadHeld(device, store.View) : store.Bytes.ToArray();
        IReadOnlyList<ulong> above = options.State == MetadataState.Held ? [store.View.HeldRoot] : [];
        using var tree = new DumpTree(device, blocks, run);
        var devices = ReadDevices(tree, new SuperblockView(superblock), above, options.Thin);
        var text = DumpText.Create(options.Format, output);
        text.Begin(new SuperblockView(superblock));
        foreach (var (id, (details, root)) in devices)
        {
            text.BeginDevice(id, details);
            if (!options.SkipMappings)
                tree.Visit(root, MappingsOf(id, superblock, above),
                    (key, value) => text.Map(key, BinaryPrimitives.ReadUInt64LittleEndian(value)));
            text.EndDevice();
        }
        text.End();
    }

    private static DumpedTree MappingsOf(ulong id, byte[] superblock, IReadOnlyList<ulong> above) => new(sizeof(ulong), above)
    {
        Thin = id <= ThinId.MaxValue ? new ThinId((uint)id) : null,
        TopRoot = new SuperblockView(superblock).MappingRoot,
    };

    /// <summary>The superblock of the metadata snapshot.</summary>
    private static byte[] ReadHeld(IDisk device, SuperblockView superblock)
    {
        var number = superblock.HeldRoot;
        if (number == 0)
            throw new MetadataException(MetadataError.NotFound, "the pool holds no metadata snapshot");
        var block = new byte[BlockFormat.BlockBytes];
        if (number >= (ulong)device.LengthBytes / BlockFormat.BlockBytes)
            throw new MetadataException(
                MetadataError.Corrupt, $"superblock -> {number}: the metadata snapshot lies beyond the metadata");
        try
        {
            device.Read((long)number * BlockFormat.BlockBytes, block);
        }
        catch (DiskException e)
        {
            throw new MetadataException(MetadataError.Io, $"superblock -> {number}: the metadata snapshot cannot be read: {e.Message}", e);
        }
        SuperblockStore.Judge(block, number);
        return block;
    }

    /// <summary>Devices by id, each with its details and the root of its mappings.</summary>
    private static SortedDictionary<ulong, (DeviceDetails Details, ulong Root)> ReadDevices(
        DumpTree tree, SuperblockView superblock, IReadOnlyList<ulong> above, ThinId? only)
    {
        var roots = new Dictionary<ulong, ulong>();
        tree.Visit(superblock.MappingRoot, new DumpedTree(sizeof(ulong), above),
            (id, value) => roots[id] = BinaryPrimitives.ReadUInt64LittleEndian(value));
        var devices = new SortedDictionary<ulong, (DeviceDetails, ulong)>();
        tree.Visit(superblock.DetailsRoot, new DumpedTree(DeviceDetails.SizeBytes, above), (id, value) =>
        {
            if (only is { } one && one.Value != id)
                return;
            if (!roots.TryGetValue(id, out var root))
                throw new MetadataException(MetadataError.Corrupt, $"thin device {id} has details but no mappings");
            devices.Add(id, (DeviceDetails.Read(value), root));
        });
        if (only is { } missing && devices.Count == 0)
            throw new MetadataException(MetadataError.NotFound, $"there is no thin device {missing}");
        return devices;
    }
}
