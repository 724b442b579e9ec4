using System.Text.Json.Nodes;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>Label and field selectors: equality and inequality, which is what is used.</summary>
internal sealed class Selectors(string? labels, string? fields)
{
    public bool Match(JsonObject value) =>
        Terms(labels).All(term => term.Holds((string?)value["metadata"]?["labels"]?[term.Key])) &&
        Terms(fields).All(term => term.Holds(Field(value, term.Key)));

    private static string? Field(JsonObject value, string path) =>
        path.Split('.').Aggregate((JsonNode?)value, (node, part) => (node as JsonObject)?[part])?.ToString();

    private static IEnumerable<Term> Terms(string? text) =>
        from part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)
        let isNot = part.Contains("!=", StringComparison.Ordinal)
        let sides = part.Split(["!=", "==", "="], 2, StringSplitOptions.None)
        select new Term(sides[0], sides[1], isNot);

    private sealed record Term(string Key, string Value, bool IsNot)
    {
        public bool Holds(string? actual) => ((actual ?? "") == Value) != IsNot;
    }
}
