using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools.Building;

namespace CsiThin.Core.Tools.Restore;

/// <summary>What a restore puts in the place of what the XML says; null leaves it.</summary>
public sealed record RestoreOptions
{
    /// <summary>The data block size in 512-byte sectors.</summary>
    public uint? DataBlockSectors { get; init; }

    /// <summary>The length of the data region.</summary>
    public ulong? DataBlocks { get; init; }

    /// <summary>The pool's transaction id.</summary>
    public ulong? TransactionId { get; init; }
}

/// <summary>What a restore made.</summary>
/// <param name="Devices">Thin devices.</param>
/// <param name="Mappings">Mappings of all devices together, shared ones counted for each.</param>
/// <param name="MetadataBlocks">Metadata blocks in use, the superblock included.</param>
/// <param name="Warnings">What was not taken over as it stands, a sentence each; <see cref="MetadataRestore.MaxWarnings"/> at most.</param>
public sealed record RestoreResult(int Devices, ulong Mappings, ulong MetadataBlocks, IReadOnlyList<string> Warnings);

/// <summary>
/// Makes a pool's metadata from the XML of thin_dump, of either generation. The text is read twice: the first time all of it is judged and
/// the blocks needed are counted, and not a byte is written; the second time the trees are built from the bottom up, shared parts once.
/// Before the second the old superblock is wiped, and the new one is the last thing written: stopped midway, the target holds no pool
/// rather than a broken one.
/// <para>
/// Where the tools would make metadata that thin_check refuses (two devices of one id, mappings out of order, times of the future), the
/// text is refused. A mapped_blocks that is not the number of mappings is put right, with a warning: 0.9 ignores it and 1.1 copies it.
/// </para>
/// </summary>
public static class MetadataRestore
{
    /// <summary>Warnings kept of one restore.</summary>
    public const int MaxWarnings = 100;

    /// <summary>Restores what <paramref name="xml"/> has from its present position on; it must be seekable.</summary>
    /// <exception cref="MetadataException">
    /// Invalid, with the line; NoMetadataSpace, with the blocks needed: the target is untouched. Io: it may hold no pool any more.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was stopped: the target is untouched or holds no pool.</exception>
    public static RestoreResult Restore(Stream xml, IDisk target, RestoreOptions options, ToolRun run)
    {
        ArgumentNullException.ThrowIfNull(xml);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(run);
        var begin = xml.Position;
        var blocks = MetadataBuilder.BlocksOf(target);
        var unused = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            xml.Position = begin;
            using var judge = new RestorePass(null, blocks, options, unused);
            XmlPoolReader.Read(xml, judge, run);
            // A part that nobody refers to takes no blocks; that is only known at the end of the text.
            if (!judge.FindUnused(unused))
            {
                _ = judge.Complete();
                break;
            }
        }
        try
        {
            using (var store = new SuperblockStore(target))
                store.Wipe();
            xml.Position = begin;
            using var build = new RestorePass(target, blocks, options, unused);
            XmlPoolReader.Read(xml, build, run);
            return build.Complete();
        }
        catch (DiskException e)
        {
            throw new MetadataException(MetadataError.Io, $"the metadata cannot be written: {e.Message}", e);
        }
    }
}
