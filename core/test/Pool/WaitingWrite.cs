using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>A request on a device queue of its own, which may have to wait for space.</summary>
internal sealed class WaitingWrite : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly AlignedBuffer _buffer;
    private readonly IBlockQueue _queue;
    private readonly BlockRequest[] _finished = new BlockRequest[1];
    private bool _isOver;

    /// <summary>Submits a write of <paramref name="bytes"/>.</summary>
    public WaitingWrite(IBlockDevice device, long offsetBytes, ReadOnlySpan<byte> bytes, BlockFlags flags = BlockFlags.None)
    {
        _buffer = new AlignedBuffer(bytes.Length);
        bytes.CopyTo(_buffer.Span);
        _queue = device.OpenQueue();
        Request = new BlockRequest
        {
            Operation = BlockOperation.Write,
            OffsetBytes = offsetBytes,
            LengthBytes = bytes.Length,
            Address = _buffer.Address,
            Flags = flags,
        };
        _queue.Submit(Request);
        _queue.Kick();
    }

    public BlockRequest Request { get; }

    /// <summary>It has been answered.</summary>
    public bool IsOver
    {
        get
        {
            _queue.Kick();
            return _isOver |= _queue.Reap(_finished) == 1;
        }
    }

    /// <summary>Waits for the answer.</summary>
    public BlockError Result()
    {
        Assert.True(SpinWait.SpinUntil(() => IsOver, Patience), "the write did not end");
        return Request.Error;
    }

    /// <summary>Nobody wants the answer any more.</summary>
    public void Cancel() => _queue.CancelWaiting();

    /// <summary>Waits until so many requests wait for space in the pool, and their time runs.</summary>
    public static void UntilWaiting(ThinPool pool, int count)
    {
        Assert.True(
            SpinWait.SpinUntil(() => pool.GetStatus().WaitingRequests == count, Patience),
            $"{pool.GetStatus().WaitingRequests} requests wait for space, not {count}");
        _ = pool.ListUsage(); // once the worker has answered it is done with the request, the timer set: a test may fire it
    }

    /// <summary>Waits until the pool is in a mode.</summary>
    public static void UntilMode(ThinPool pool, PoolMode mode) => Assert.True(
        SpinWait.SpinUntil(() => pool.Mode == mode, Patience), $"the pool is {pool.Mode}, not {mode}");

    public void Dispose()
    {
        _queue.Dispose();
        _buffer.Dispose();
    }
}
