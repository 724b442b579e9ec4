using CsiThin.Core.Device.Latency;
using Xunit;

namespace CsiThin.Core.Tests.Device;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void A_duration_lies_in_the_first_bucket_whose_bound_it_does_not_pass()
    {
        var histogram = new LatencyHistogram();
        var bounds = LatencyHistogram.BoundsSeconds;
        foreach (var bound in bounds)
        {
            histogram.Record(TimeSpan.FromSeconds(bound));
            histogram.Record(TimeSpan.FromSeconds(bound) + TimeSpan.FromTicks(1));
        }

        long[] expected = [1, .. Enumerable.Repeat(2L, bounds.Count - 1), 1];
        Assert.Equal(expected, histogram.Counts);
        Assert.Equal(bounds.Sum() * 2, histogram.Sum.TotalSeconds, 5);
    }

    [Fact]
    public void Sums_are_those_of_their_parts()
    {
        var (one, other, sum) = (new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram());
        one.Record(TimeSpan.Zero);
        other.Record(TimeSpan.FromHours(1));
        one.AddTo(sum);
        other.AddTo(sum);
        Assert.Equal((1, 1, 2), (sum.Counts[0], sum.Counts[^1], sum.Counts.Sum()));
        Assert.Equal(TimeSpan.FromHours(1), sum.Sum);
    }
}
