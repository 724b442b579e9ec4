using System.Globalization;
using Xunit.Abstractions;

namespace CsiThin.Core.Tests.Support;

/// <summary>The seed of a random test: from CSITHIN_SEED to replay a failure, else a new one; printed either way.</summary>
public static class TestSeed
{
    /// <summary>A generator for one test, its seed written to the test's output.</summary>
    public static Random NewRandom(ITestOutputHelper output) => new(New(output));

    /// <summary>The seed itself, written to the test's output.</summary>
    public static int New(ITestOutputHelper output)
    {
        var given = Environment.GetEnvironmentVariable("CSITHIN_SEED");
        var seed = given is null ? Random.Shared.Next() : int.Parse(given, CultureInfo.InvariantCulture);
        output.WriteLine($"CSITHIN_SEED={seed}");
        return seed;
    }
}
