using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

#pragma warning disable CA1822, CA1065 // stub

/// <summary>
/// A pool's metadata: what dm-thin-metadata.c does, on any disk. STUB: the contract the floors above are written against.
/// <para>
/// Concurrency: one thread (the pool's worker) calls the mutating members and <see cref="Commit"/>; any thread may at the same time call
/// <see cref="TryFind"/> and the counts. In memory they exclude each other by one reader-writer lock, which is never held across disk I/O.
/// </para>
/// </summary>
public sealed class ThinMetadata : IDisposable
{
    public static void Format(IDisk device, uint dataBlockSectors, ulong dataBlocks) => throw new NotImplementedException();
    public static ThinMetadata Open(IDisk device, ThinMetadataOptions options) => throw new NotImplementedException();

    public uint DataBlockSectors => throw new NotImplementedException();
    public ulong TransactionId => throw new NotImplementedException();
    public bool NeedsCheck => throw new NotImplementedException();
    public bool IsReadOnly => throw new NotImplementedException();
    /// <summary>Something was changed since the last commit.</summary>
    public bool IsDirty => throw new NotImplementedException();

    public ulong DataBlocks => throw new NotImplementedException();
    public ulong FreeDataBlocks => throw new NotImplementedException();
    public ulong MetadataBlocks => throw new NotImplementedException();
    /// <summary>Free metadata blocks, the reserve (a tenth, 4096 blocks at most) not counted.</summary>
    public ulong FreeMetadataBlocks => throw new NotImplementedException();
    public ulong MetadataReserveBlocks => throw new NotImplementedException();

    public void SetTransactionId(ulong current, ulong next) => throw new NotImplementedException();
    public void CreateThin(ThinId id) => throw new NotImplementedException();
    public void CreateSnapshot(ThinId id, ThinId origin) => throw new NotImplementedException();
    public void DeleteThin(ThinId id) => throw new NotImplementedException();
    public IReadOnlyList<ThinDeviceInfo> ListThins() => throw new NotImplementedException();
    public ThinDevice OpenThin(ThinId id) => throw new NotImplementedException();

    public LookupOutcome TryFind(ThinDevice device, VirtualBlock block, out Mapping mapping) => throw new NotImplementedException();
    /// <summary>May read the disk. False: a hole.</summary>
    public bool Find(ThinDevice device, VirtualBlock block, out Mapping mapping) => throw new NotImplementedException();
    public bool FindMappedRange(ThinDevice device, VirtualBlock begin, VirtualBlock end, out MappedRange range) => throw new NotImplementedException();
    public void Insert(ThinDevice device, VirtualBlock block, DataBlock dataBlock) => throw new NotImplementedException();
    public void Remove(ThinDevice device, VirtualBlock block) => throw new NotImplementedException();
    /// <summary>Returns how many mappings were removed.</summary>
    public ulong RemoveRange(ThinDevice device, VirtualBlock begin, VirtualBlock end) => throw new NotImplementedException();
    public bool FindHighestMapped(ThinDevice device, out VirtualBlock block) => throw new NotImplementedException();

    /// <summary>False when no block is free that was free at the last commit too.</summary>
    public bool TryAllocateDataBlock(out DataBlock block) => throw new NotImplementedException();
    public void IncrementData(DataBlock begin, DataBlock end) => throw new NotImplementedException();
    public void DecrementData(DataBlock begin, DataBlock end) => throw new NotImplementedException();
    public bool IsShared(DataBlock block) => throw new NotImplementedException();

    /// <summary>Writes every changed block, one barrier, the superblock, one barrier. What the disk was given before is durable with it.</summary>
    public void Commit() => throw new NotImplementedException();
    public void Abort() => throw new NotImplementedException();

    public void GrowData(ulong dataBlocks) => throw new NotImplementedException();
    public void GrowMetadata(ulong metadataBlocks) => throw new NotImplementedException();
    public void SetReadOnly() => throw new NotImplementedException();
    public void SetReadWrite() => throw new NotImplementedException();
    public void SetNeedsCheck() => throw new NotImplementedException();

    public void ReserveMetadataSnapshot() => throw new NotImplementedException();
    public void ReleaseMetadataSnapshot() => throw new NotImplementedException();
    public MetaBlock? GetMetadataSnapshot() => throw new NotImplementedException();
    public void RegisterMetadataThreshold(ulong freeBlocks, Action callback) => throw new NotImplementedException();

    /// <summary>Releases memory. Never commits.</summary>
    public void Dispose() { }
}

/// <summary>An open thin device. Disposing closes it.</summary>
public sealed class ThinDevice : IDisposable
{
    public ThinId Id => throw new NotImplementedException();
    public ulong MappedBlocks => throw new NotImplementedException();
    public bool ChangedThisTransaction => throw new NotImplementedException();
    public bool AbortedWithChanges => throw new NotImplementedException();
    public void Dispose() { }
}

/// <summary>The device details of one thin device, as the details tree has them (changes of this transaction included).</summary>
public sealed record ThinDeviceInfo(ThinId Id, ulong MappedBlocks, ulong TransactionId, uint CreationTime, uint SnapshottedTime);
