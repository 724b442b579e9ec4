using System.Text.RegularExpressions;

namespace CsiThin.Driver.Tests.Rpc;

/// <summary>
/// The list csi-1.12-messages.txt as one line per fact, each with its full name: the form in which a descriptor is written too, so that
/// both can be compared in both directions.
/// </summary>
internal static partial class CsiFacts
{
    /// <summary>The facts of the list, in any order.</summary>
    public static IReadOnlyCollection<string> Read(string path)
    {
        var facts = new List<string>();
        var scope = new List<string>();
        foreach (var line in File.ReadLines(path))
        {
            var depth = (line.Length - line.TrimStart().Length) / 2;
            scope.RemoveRange(Math.Min(depth, scope.Count), Math.Max(0, scope.Count - depth));
            facts.Add(ReadLine(line.Trim(), scope));
        }

        return facts;
    }

    private static string ReadLine(string line, List<string> scope)
    {
        var words = line.Split(' ');
        var inside = string.Join('.', scope);
        var prefix = inside.Length == 0 ? "" : inside + ".";
        switch (words[0])
        {
            case "package":
                return line;
            case "service" or "message":
                scope.Add(words[1]);
                return $"{words[0]} {prefix}{words[1]}";
            case "enum":
                return $"enum {prefix}{words[1]} {string.Join(' ', words[2..])}";
            default:
                return MethodLine().IsMatch(line) ? $"method {prefix}{line}" : $"field {inside} {line}";
        }
    }

    [GeneratedRegex(@"^\w+\(\w+\) -> ")]
    private static partial Regex MethodLine();
}
