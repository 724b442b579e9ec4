using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>Uses up a pool's metadata.</summary>
internal static class MetadataFiller
{
    private const int Stride = 100; // so that each touches a leaf of its own
    private static int _round;

    /// <summary>
    /// Takes snapshots of a volume whose first blocks are mapped, and breaks their sharing, until a write has to wait; that write.
    /// </summary>
    public static WaitingWrite Fill(TestPool pool, VolumeInfo volume, IBlockDevice device, int mapped)
    {
        for (var rounds = 0; rounds < 100; rounds++)
        {
            var round = Interlocked.Increment(ref _round);
            // The last metadata goes to whoever asks first; a refused snapshot is as good as one that is taken.
            try
            {
                _ = pool.CreateSnapshot($"s{round}", volume);
            }
            catch (PoolException e) when (e.Error == PoolError.NoSpace)
            {
            }
            for (var block = 0L; block < mapped; block += Stride)
            {
                var write = new WaitingWrite(device, block * TestPool.BlockBytes, ThinPoolTests.Pattern(4096, round));
                if (SpinWait.SpinUntil(() => write.IsOver || pool.Pool.GetStatus().WaitingRequests > 0, 30_000) && write.IsOver)
                {
                    Assert.Equal(BlockError.None, write.Result());
                    write.Dispose();
                    continue;
                }
                return write;
            }
        }
        throw new InvalidOperationException("the metadata did not run out");
    }
}
