using System.Buffers.Binary;
using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// A pool's metadata: what dm-thin-metadata.c does, on any disk. Invariants:
/// <list type="number">
/// <item>The disk always holds a whole pool, the one of the last commit, whatever is lost of what was written since.</item>
/// <item>A change that fails midway breaks the transaction: nothing but <see cref="Abort"/> (or reopening) leads on from there.</item>
/// <item>A failed commit leaves the disk with the old pool or the new one; <see cref="Abort"/> makes it the old one again or fails for
/// good.</item>
/// </list>
/// <para>
/// Concurrency: one thread at a time (the pool's worker) calls the mutating members, <see cref="Commit"/> and everything that may read
/// the disk; any thread may at the same time call <see cref="TryFind"/> and read the counts and properties. In memory they exclude each
/// other by one reader-writer lock (<see cref="Gate"/>), which is held for single changes of nodes and never across disk I/O.
/// </para>
/// </summary>
public sealed partial class ThinMetadata : IDisposable
{
    /// <summary>For messages.</summary>
    internal const string DataBlockSizeRule = "128 to 2097152 and a multiple of 128 are possible";

    private const uint MinDataBlockSectors = 128;
    private const uint MaxDataBlockSectors = 2 << 20;

    private readonly IDisk _disk;
    private readonly ThinMetadataOptions _options;
    private readonly Gate _gate = new();
    private readonly BlockCache _cache;
    private readonly SuperblockStore _superblock;
    private readonly DeviceTable _devices = new();
    private PersistentState _state = null!;
    private volatile bool _isReadOnly;
    private volatile bool _isDirty;
    private volatile bool _isFailed;
    private bool _isBroken;
    private bool _isSuperblockInDoubt;

    private ThinMetadata(IDisk disk, ThinMetadataOptions options)
    {
        _disk = disk;
        _options = options;
        _isReadOnly = options.ReadOnly;
        _cache = new BlockCache(disk, _gate, options.CacheBytes);
        _superblock = new SuperblockStore(disk);
    }

    /// <summary>The pool's data block size in 512-byte sectors.</summary>
    public uint DataBlockSectors => _superblock.View.DataBlockSectors;

    /// <summary>The pool's transaction id, as set in this transaction.</summary>
    public ulong TransactionId => _state.TransactionId;

    /// <summary>The checksum of the superblock on disk: another one after each commit that changed a mapping.</summary>
    public uint CommitMark => BinaryPrimitives.ReadUInt32LittleEndian(_superblock.Bytes);

    /// <summary>The metadata was marked as needing a check.</summary>
    public bool NeedsCheck => (_state.Flags & SuperblockView.NeedsCheckFlag) != 0;

    /// <summary>Mutating members throw <see cref="MetadataError.ReadOnly"/>.</summary>
    public bool IsReadOnly => _isReadOnly || _isFailed;

    /// <summary>
    /// An abort could not be carried out: nothing works any more but <see cref="SetNeedsCheck"/> and <see cref="Dispose"/>.
    /// </summary>
    public bool IsFailed => _isFailed;

    /// <summary>Something was changed since the last commit.</summary>
    public bool IsDirty => _isDirty;

    /// <summary>Metadata blocks that the next commit will write, as far as they are known. Mutating thread.</summary>
    public int DirtyBlocks => _cache.DirtyCount;

    /// <summary>Metadata blocks read from the disk since it was opened. Mutating thread.</summary>
    public long BlockReads => _cache.ReadCount;

    /// <summary>The region, for the checker.</summary>
    internal IDisk Disk => _disk;

    /// <summary>The pool's time, raised by each snapshot.</summary>
    internal uint Time => _state.Time;

    /// <summary>The superblock's flags, as set in this transaction.</summary>
    internal uint Flags => _state.Flags;

    /// <summary>The superblock's version, as on disk.</summary>
    internal uint Version => _superblock.View.Version;

    /// <summary>
    /// Makes an empty pool of <paramref name="dataBlocks"/> data blocks and commits it durably. What was there is lost; cut short,
    /// nothing is there.
    /// </summary>
    /// <param name="device">The metadata region; at most 255 * 16320 blocks of 4096 bytes are used.</param>
    /// <param name="dataBlockSectors">128 to 2097152 sectors (64 KiB to 1 GiB), a multiple of 128.</param>
    /// <param name="dataBlocks">The length of the data region.</param>
    /// <exception cref="MetadataException">Invalid, NoMetadataSpace or Io.</exception>
    public static void Format(IDisk device, uint dataBlockSectors, ulong dataBlocks)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!IsDataBlockSize(dataBlockSectors))
            throw new MetadataException(MetadataError.Invalid, $"a data block of {dataBlockSectors} sectors: {DataBlockSizeRule}");
        RequireAddressable(dataBlocks);
        var blocks = Math.Min((ulong)device.LengthBytes / BlockFormat.BlockBytes, IndexEntry.MaxMetadataBlocks);
        using var metadata = new ThinMetadata(device, new ThinMetadataOptions());
        metadata.FormatTo(dataBlockSectors, dataBlocks, blocks);
    }

    /// <summary>Opens a pool. Reads the superblock and the metadata index block; the rest is read when it is needed.</summary>
    /// <exception cref="MetadataException">NotThinMetadata, Misplaced, Corrupt, Unsupported or Io.</exception>
    public static ThinMetadata Open(IDisk device, ThinMetadataOptions options)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        var metadata = new ThinMetadata(device, options);
        try
        {
            metadata._superblock.Read();
            metadata.CheckSupported();
            metadata._state = PersistentState.Open(
                metadata._cache, metadata._devices, metadata._superblock.View, options.Faults);
            return metadata;
        }
        catch
        {
            metadata.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens a pool, and makes an empty one first where the superblock is all zeroes: nothing else is ever formatted over.
    /// </summary>
    /// <exception cref="MetadataException">As <see cref="Format"/> and <see cref="Open"/>.</exception>
    public static ThinMetadata OpenOrFormat(IDisk device, uint dataBlockSectors, ulong dataBlocks, ThinMetadataOptions options)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (SuperblockStore.IsBlank(device))
            Format(device, dataBlockSectors, dataBlocks);
        return Open(device, options with { ExpectedDataBlockSectors = dataBlockSectors });
    }

    /// <summary>Replaces the transaction id, which ties what is kept elsewhere to a commit of this pool.</summary>
    /// <exception cref="MetadataException">Invalid when <paramref name="current"/> is not the present one.</exception>
    public void SetTransactionId(ulong current, ulong next)
    {
        RequireWritable();
        if (_state.TransactionId != current)
            throw new MetadataException(MetadataError.Invalid, $"the transaction id is {_state.TransactionId}, not {current}");
        _state.TransactionId = next;
        _isDirty = true;
    }

    /// <summary>Refuses changes from now on. Uncommitted ones stay in memory.</summary>
    public void SetReadOnly() => _isReadOnly = true;

    /// <summary>Takes changes again.</summary>
    /// <exception cref="MetadataException">ReadOnly when it was opened so, or has failed.</exception>
    public void SetReadWrite()
    {
        RequireNotFailed();
        if (_options.ReadOnly)
            throw new MetadataException(MetadataError.ReadOnly, "the metadata was opened read-only");
        _isReadOnly = false;
    }

    /// <summary>Releases memory. Never commits. No other thread may be inside a member.</summary>
    public void Dispose()
    {
        _isFailed = true;
        _cache.Dispose();
        _superblock.Dispose();
    }

    /// <summary>A pool can have data blocks of so many 512-byte sectors.</summary>
    internal static bool IsDataBlockSize(uint sectors) =>
        sectors is >= MinDataBlockSectors and <= MaxDataBlockSectors && sectors % MinDataBlockSectors == 0;

    private void CheckSupported()
    {
        var superblock = _superblock.View;
        var sectors = superblock.DataBlockSectors;
        if (_options.ExpectedDataBlockSectors != 0 && sectors != _options.ExpectedDataBlockSectors)
            throw new MetadataException(MetadataError.Unsupported,
                $"the pool's data block has {sectors} sectors, not {_options.ExpectedDataBlockSectors}; it cannot be changed");
        if (superblock.CompatReadOnlyFlags != 0 && !_options.ReadOnly)
            throw new MetadataException(MetadataError.Unsupported,
                $"the metadata uses features (0x{superblock.CompatReadOnlyFlags:x}) that allow it to be read only");
    }

    private void RequireNotFailed()
    {
        if (_isFailed)
            throw new MetadataException(MetadataError.ReadOnly, "the metadata has failed; it must be reopened");
    }

    private void RequireWritable()
    {
        RequireNotFailed();
        if (_isReadOnly)
            throw new MetadataException(MetadataError.ReadOnly, "the metadata is read-only");
        if (_isBroken)
            throw new MetadataException(MetadataError.ReadOnly, "an earlier change failed midway; the transaction must be aborted");
    }

    /// <summary>
    /// A change from its first touched block to its last. Left without <see cref="Complete"/>, by an exception, it breaks the transaction.
    /// </summary>
    private ref struct Mutation
    {
        private readonly ThinMetadata _owner;
        private bool _isComplete;

        public Mutation(ThinMetadata owner)
        {
            _owner = owner;
            owner._cache.Trim();
            owner._isDirty = true;
        }

        public void Complete() => _isComplete = true;

        public readonly void Dispose()
        {
            if (_isComplete)
                _owner._state.MetadataMap.TakeDueCallback()?.Invoke();
            else
                _owner._isBroken = true;
        }
    }
}
