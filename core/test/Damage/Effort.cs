using System.Globalization;

namespace CsiThin.Core.Tests.Damage;

/// <summary>
/// How much the tests of bad bytes and of I/O errors try. By themselves they take a sample that costs a second or so each; with
/// CSITHIN_DAMAGE=all (which e2e/run-tests sets) they take every case, and CSITHIN_FUZZ_SECONDS=N lets each fuzzer run for so long.
/// </summary>
internal static class Effort
{
    /// <summary>Every case, not a sample.</summary>
    public static bool IsAll => Environment.GetEnvironmentVariable("CSITHIN_DAMAGE") == "all";

    /// <summary>How long one fuzzer runs.</summary>
    public static TimeSpan FuzzTime =>
        Environment.GetEnvironmentVariable("CSITHIN_FUZZ_SECONDS") is { } seconds
            ? TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture))
            : TimeSpan.FromSeconds(IsAll ? 8 : 1);

    /// <summary>All cases when all effort is asked for, else so many chosen at random.</summary>
    public static IReadOnlyList<T> AllOr<T>(this IReadOnlyList<T> cases, int most, Random random) =>
        IsAll ? cases : [.. cases.Some(most, random)];

    /// <summary>So many cases chosen at random; ten times as many when all effort is asked for; all if there are no more.</summary>
    public static IEnumerable<T> Some<T>(this IReadOnlyList<T> cases, int most, Random random)
    {
        most *= IsAll ? 10 : 1;
        if (cases.Count <= most)
            return cases;
        return Enumerable.Range(0, most).Select(_ => cases[random.Next(cases.Count)]).ToList();
    }
}
