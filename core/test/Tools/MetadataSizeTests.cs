using CsiThin.Core.Metadata;
using CsiThin.Core.Tools;
using Xunit;

namespace CsiThin.Core.Tests.Tools;

/// <summary>Figures that thin_metadata_size 1.1.0 printed, in sectors.</summary>
public sealed class MetadataSizeTests
{
    [Theory]
    [InlineData(1UL << 40, 64UL << 10, 1000UL, 1073232UL)]
    [InlineData(10UL << 30, 64UL << 10, 1UL, 10424UL)]
    [InlineData(100UL << 40, 1UL << 20, 16777216UL, 33292800UL)]
    [InlineData(64UL << 10, 64UL << 10, 1UL, 24UL)]
    public void The_estimate_is_that_of_thin_metadata_size(ulong poolBytes, ulong blockBytes, ulong thins, ulong sectors) =>
        Assert.Equal(sectors, MetadataSize.EstimateBlocks(poolBytes, blockBytes, thins) * 8);

    [Theory]
    [InlineData(1UL << 30, 4096UL, 1UL, "4096")]
    [InlineData(1UL << 30, 2UL << 30, 1UL, "2147483648")]
    [InlineData(1UL << 30, (64UL << 10) + 512, 1UL, "66048")]
    [InlineData(4096UL, 64UL << 10, 1UL, "pool of 4096")]
    [InlineData(1UL << 30, 64UL << 10, 0UL, "0 thin devices")]
    [InlineData(1UL << 30, 64UL << 10, 16777217UL, "16777217")]
    public void What_no_pool_can_have_is_refused(ulong poolBytes, ulong blockBytes, ulong thins, string reason)
    {
        var refused = Assert.Throws<MetadataException>(() => MetadataSize.EstimateBlocks(poolBytes, blockBytes, thins));
        Assert.Equal(MetadataError.Invalid, refused.Error);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }
}
