using CsiThin.Core.Nbd;
using Xunit;

namespace CsiThin.Core.Tests.Nbd;

public sealed class BufferPoolTests
{
    [Theory]
    [InlineData(1, 4096)]
    [InlineData(4096, 4096)]
    [InlineData(4097, 8192)]
    [InlineData(65536, 65536)]
    [InlineData(32 << 20, 32 << 20)]
    public void A_buffer_is_the_next_power_of_two(int wantedBytes, int gotBytes)
    {
        using var pool = new BufferPool(64 << 20);
        using var buffer = pool.TryRent(wantedBytes)!;
        Assert.Equal((gotBytes, gotBytes), (buffer.LengthBytes, pool.RentedBytes));
    }

    [Fact]
    public void A_returned_buffer_is_used_again()
    {
        using var pool = new BufferPool(64 << 20);
        var first = pool.TryRent(5000)!;
        pool.Return(first);
        Assert.Same(first, pool.TryRent(8000));
        pool.Return(first);
    }

    [Fact]
    public void The_budget_bounds_rented_and_kept_buffers_together()
    {
        using var pool = new BufferPool(32 << 20);
        var small = Enumerable.Range(0, 100).Select(_ => pool.TryRent(65536)!).ToList();
        Assert.Null(pool.TryRent(32 << 20));
        small.ForEach(pool.Return);
        Assert.Equal(100 * 65536, pool.KeptBytes);
        var large = pool.TryRent(32 << 20)!;
        Assert.Equal((32 << 20, 0), (pool.RentedBytes, pool.KeptBytes));
        Assert.Null(pool.TryRent(1));
        pool.Return(large);
        pool.TrimTo(1 << 20);
        Assert.Equal(0, pool.KeptBytes);
    }
}
