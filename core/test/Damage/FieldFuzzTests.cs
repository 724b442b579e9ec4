using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace CsiThin.Core.Tests.Damage;

/// <summary>
/// A fuzzer that knows the format: it changes fields of decoded blocks to what hurts most (counts, sizes, keys, roots, block numbers of
/// any block in use) and stamps the block again, one to several times, so that only what the fields mean can be noticed.
/// </summary>
public sealed class FieldFuzzTests(ITestOutputHelper output)
{
    private static readonly IReadOnlyList<SoundImage> Images = SoundImage.All();

    [Fact]
    public void Whatever_the_fields_say_it_is_an_error_or_metadata_as_good_as_any()
    {
        var first = TestSeed.New(output);
        var sound = 0;
        var done = CaseRunner.Run(CaseRunner.Seeds(first, Effort.FuzzTime), one => sound += Try(new Random(one.Seed)) ? 1 : 0);
        output.WriteLine($"{done} cases, {sound} of them sound");
    }

    private static bool Try(Random random)
    {
        var image = Images[random.Next(Images.Count)];
        var disk = image.Disk.Copy();
        var mutator = new FieldMutator(image, disk, random);
        for (var i = random.Next(1, 5); i > 0; i--)
            mutator.Mutate();
        try
        {
            return new Verdict(image, disk).AssertSoundOrTypedErrors(random);
        }
        catch (Exception e)
        {
            throw new XunitException($"{image.Name}: {string.Join("; ", mutator.Changes.Take(40))}: {e}", e);
        }
    }
}
