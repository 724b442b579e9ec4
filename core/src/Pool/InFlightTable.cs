using CsiThin.Core.Device;

namespace CsiThin.Core.Pool;

/// <summary>
/// The requests whose disk I/O is in flight, by the small number that serves as its tag. Belongs to one queue; grows to its depth.
/// </summary>
internal sealed class InFlightTable
{
    private BlockRequest?[] _slots = new BlockRequest?[32];
    private int[] _free = new int[32];
    private int _freeCount;
    private int _used;

    public BlockRequest this[int slot] => _slots[slot]!;

    public void Add(BlockRequest request)
    {
        var slot = _freeCount > 0 ? _free[--_freeCount] : _used++;
        if (slot == _slots.Length)
        {
            Array.Resize(ref _slots, slot * 2);
            Array.Resize(ref _free, slot * 2);
        }
        request.Slot = slot;
        _slots[slot] = request;
    }

    public void Remove(BlockRequest request)
    {
        _slots[request.Slot] = null;
        _free[_freeCount++] = request.Slot;
    }
}
