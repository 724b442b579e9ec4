using Microsoft.Extensions.Time.Testing;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>Waits for what other threads bring about; the limit is for a test that has failed, and far above what is needed.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Waits until it holds.</summary>
    public static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(null, TimeSpan.Zero, condition, what);

    /// <summary>Moves the clock step by step until it holds; returns by how much.</summary>
    public static async Task<TimeSpan> HoldsAsync(FakeTimeProvider? clock, TimeSpan step, Func<bool> condition, string what)
    {
        var begin = TimeProvider.System.GetTimestamp();
        var moved = TimeSpan.Zero;
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(begin) > Limit)
                throw new TimeoutException($"in vain waited for: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
            clock?.Advance(step);
            moved += step;
        }

        return moved;
    }
}
