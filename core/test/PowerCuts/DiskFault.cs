using CsiThin.Core.Pool.Layout;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// The way from what a pool told its disk to what reaches the medium. Without a fault they are the same; with one, barriers are dropped, or
/// the writes to one region are held back until the superblock is durable.
/// </summary>
internal sealed class DiskFault(DiskLog log, CutFault fault, PoolLayout? layout)
{
    private readonly List<DiskWrite> _held = [];
    private bool _sawMetadata;
    private bool _sawSuperblock;

    public void Write(DiskWrite write)
    {
        var isMetadata = IsIn(layout?.Extents.Select(static extent => extent.Metadata), write);
        var isSuperblock = isMetadata && write.OffsetBytes == layout!.Extents[0].Metadata.OffsetBytes;
        _sawSuperblock |= isSuperblock;
        _sawMetadata |= isMetadata && !isSuperblock;
        var isHeld = fault switch
        {
            CutFault.SwapCommitSteps => isMetadata && !isSuperblock,
            CutFault.CatalogAfterSuperblock => layout is not null && IsIn([layout.CatalogA, layout.CatalogB], write),
            CutFault.DataAfterSuperblock => IsIn(layout?.Extents.Select(static extent => extent.Data), write),
            _ => false,
        };
        if (isHeld)
            _held.Add(write);
        else
            log.Add(write);
    }

    /// <summary>Returns the place of the barrier in the log, -1 for one that was dropped.</summary>
    public int BeginBarrier()
    {
        var isDropped = fault switch
        {
            CutFault.DropEveryBarrier => true,
            CutFault.DropBarrierBeforeSuperblock => _sawMetadata && !_sawSuperblock,
            CutFault.DropBarrierAfterSuperblock => _sawSuperblock,
            CutFault.DropBarrierOfData => !_sawMetadata && !_sawSuperblock,
            _ => false,
        };
        return isDropped ? -1 : log.Add(new BarrierBegin());
    }

    public void EndBarrier(int begin)
    {
        if (begin >= 0)
            log.Add(new BarrierEnd(begin));
        var isCommitted = _sawSuperblock;
        // What goes wrong is the order around a superblock; a flush of data alone is not to be spoilt as well.
        if (_held.Count > 0 && (isCommitted || !_sawMetadata))
        {
            _held.ForEach(write => log.Add(write));
            _held.Clear();
            log.Add(new BarrierEnd(log.Add(new BarrierBegin())));
        }
        _sawMetadata = _sawSuperblock = false;
    }

    private static bool IsIn(IEnumerable<RegionExtent>? regions, DiskWrite write) => regions is not null && regions.Any(
        inside => write.OffsetBytes >= inside.OffsetBytes && write.OffsetBytes < inside.OffsetBytes + inside.LengthBytes);
}
