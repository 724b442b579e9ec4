using System.Diagnostics;
using System.Numerics;
using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>
/// The request buffers of one connection, kept by size class (powers of two from 4 KiB to 32 MiB) and used again, so that steady work
/// allocates nothing. Rented and kept ones together never pass the budget: a buffer that is needed pushes out kept ones of other sizes.
/// A buffer comes with its former bytes in it: it leaves the server only after a successful read has filled what is sent.
/// <para>Concurrency: the connection's thread alone.</para>
/// </summary>
internal sealed class BufferPool : IDisposable
{
    private const int SmallestLog2 = 12;
    private const int LargestLog2 = 25;

    private readonly int _budgetBytes;
    private readonly Stack<AlignedBuffer>[] _kept = new Stack<AlignedBuffer>[LargestLog2 - SmallestLog2 + 1];
    private int _keptBytes;

    /// <summary>Holds at most <paramref name="budgetBytes"/>, one largest buffer at least.</summary>
    public BufferPool(int budgetBytes)
    {
        _budgetBytes = Math.Max(budgetBytes, 1 << LargestLog2);
        for (var i = 0; i < _kept.Length; i++)
            _kept[i] = new Stack<AlignedBuffer>();
    }

    /// <summary>Bytes rented and not yet returned, by size class.</summary>
    public int RentedBytes { get; private set; }

    /// <summary>Bytes kept for later.</summary>
    public int KeptBytes => _keptBytes;

    /// <summary>
    /// A buffer of at least <paramref name="lengthBytes"/> (1 to 32 MiB), or null while the budget is used up: try again after a return.
    /// Throws <see cref="OutOfMemoryException"/> when the system has no more.
    /// </summary>
    public AlignedBuffer? TryRent(int lengthBytes)
    {
        Debug.Assert(lengthBytes is > 0 and <= 1 << LargestLog2, "checked by the request rules");
        var log2 = LogClass(lengthBytes);
        var classBytes = 1 << log2;
        if (RentedBytes + classBytes > _budgetBytes)
            return null;
        if (_kept[log2 - SmallestLog2].TryPop(out var buffer))
        {
            _keptBytes -= classBytes;
        }
        else
        {
            TrimTo(_budgetBytes - RentedBytes - classBytes);
            buffer = new AlignedBuffer(classBytes);
        }
        RentedBytes += classBytes;
        return buffer;
    }

    /// <summary>Takes a rented buffer back.</summary>
    public void Return(AlignedBuffer buffer)
    {
        RentedBytes -= buffer.LengthBytes;
        _keptBytes += buffer.LengthBytes;
        _kept[LogClass(buffer.LengthBytes) - SmallestLog2].Push(buffer);
    }

    /// <summary>Gives kept buffers back to the system, largest first, until at most <paramref name="bytes"/> are kept.</summary>
    public void TrimTo(int bytes)
    {
        for (var i = _kept.Length - 1; i >= 0 && _keptBytes > bytes; i--)
        {
            while (_keptBytes > bytes && _kept[i].TryPop(out var buffer))
            {
                _keptBytes -= buffer.LengthBytes;
                buffer.Dispose();
            }
        }
    }

    /// <summary>Gives kept buffers back. Those still rented are their renter's to dispose.</summary>
    public void Dispose() => TrimTo(0);

    private static int LogClass(int lengthBytes) =>
        Math.Max(SmallestLog2, BitOperations.Log2((uint)lengthBytes - 1) + 1);
}
