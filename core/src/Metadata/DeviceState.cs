using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// What is known of one thin device while it is open or has changes. Shared by all its <see cref="ThinDevice"/> handles.
/// <see cref="Root"/> and <see cref="SnapshottedTime"/> are what readers use, and change inside the gate's writing section only; the rest
/// is the mutating thread's.
/// </summary>
internal sealed class DeviceState(ThinId id)
{
    private int _openCount;
    private ulong _mappedBlocks;

    public ThinId Id => id;

    /// <summary>The root of its mappings; block 0 (never a node) when an abort took the device away.</summary>
    public ulong Root { get; set; }

    public ulong MappedBlocks { get => Volatile.Read(ref _mappedBlocks); set => Volatile.Write(ref _mappedBlocks, value); }

    public ulong TransactionId { get; private set; }

    public uint CreationTime { get; private set; }

    public uint SnapshottedTime { get; set; }

    /// <summary>Its details, or mappings, differ from the last commit.</summary>
    public bool IsChanged { get; set; }

    public bool WasAbortedWithChanges { get; set; }

    public bool IsOpen => Volatile.Read(ref _openCount) > 0;

    public DeviceDetails Details
    {
        get => new(MappedBlocks, TransactionId, CreationTime, SnapshottedTime);
        set => (MappedBlocks, TransactionId, CreationTime, SnapshottedTime) =
            (value.MappedBlocks, value.TransactionId, value.CreationTime, value.SnapshottedTime);
    }

    /// <summary>A mapping older than the device's last snapshot may be needed by that snapshot.</summary>
    public bool IsShared(uint mappingTime) => mappingTime < SnapshottedTime;

    public void Open() => Interlocked.Increment(ref _openCount);

    public void Close() => Interlocked.Decrement(ref _openCount);
}
