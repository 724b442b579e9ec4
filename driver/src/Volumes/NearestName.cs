namespace CsiThin.Driver.Volumes;

/// <summary>What somebody may have meant: the known name nearest to the one that was written.</summary>
internal static class NearestName
{
    private const int LengthMax = 128;

    /// <summary>
    /// The nearest of <paramref name="known"/>, null when there is none. A key is often written without its prefix, so the part behind the
    /// last slash counts as well as the whole.
    /// </summary>
    public static string? Of(string written, IReadOnlyCollection<string> known)
    {
        var cut = written.Length > LengthMax ? written[..LengthMax] : written;
        return known.MinBy(candidate => Math.Min(EditDistance(cut, candidate), EditDistance(cut, candidate.Split('/')[^1])));
    }

    /// <summary>Levenshtein's distance without regard to case, one row at a time.</summary>
    private static int EditDistance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        foreach (var character in one)
        {
            var diagonal = row[0]++;
            for (var column = 1; column <= other.Length; column++)
            {
                var same = char.ToLowerInvariant(character) == char.ToLowerInvariant(other[column - 1]);
                (row[column], diagonal) = (Math.Min(Math.Min(row[column], row[column - 1]) + 1, diagonal + (same ? 0 : 1)), row[column]);
            }
        }

        return row[^1];
    }
}
