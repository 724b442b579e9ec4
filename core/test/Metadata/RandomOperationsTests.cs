using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools.Check;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Metadata;

public sealed class RandomOperationsTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(20_000)]
    [InlineData(1_500)]
    public void A_pool_agrees_with_a_dictionary_whatever_is_done_to_it(int dataBlocks)
    {
        var random = TestSeed.NewRandom(output);
        var disk = new MemoryDisk(16 << 20);
        ThinMetadata.Format(disk, 128, (ulong)dataBlocks);
        using var operations = new RandomOperations(disk, random);
        for (var round = 0; round < 60; round++)
        {
            for (var step = random.Next(60); step > 0; step--)
                operations.Step();
            switch (random.Next(6))
            {
                case 0: operations.Abort(); break;
                case 1: operations.Reopen(); break;
                default: operations.Commit(); break;
            }
            operations.Model.AssertEqual(operations.Pool);
            Assert.Empty(MetadataChecker.Check(disk, strict: true));
        }
    }
}
