using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>
/// What an API server does with an object and a structural schema: drops what the schema does not name, then checks the rest. Of CEL it
/// knows the one rule that this repository uses.
/// </summary>
internal static class SchemaCheck
{
    /// <summary>Removes unknown fields from <paramref name="value"/>; returns their paths.</summary>
    public static IReadOnlyList<string> Prune(JsonObject value, JsonObject schema, string path = "")
    {
        var removed = new List<string>();
        if (schema["properties"] is not JsonObject known)
            return removed;
        foreach (var (name, child) in value.ToList())
        {
            var at = path.Length == 0 ? name : $"{path}.{name}";
            if (known[name] is not JsonObject childSchema)
            {
                value.Remove(name);
                removed.Add(at);
            }
            else if (child is JsonObject one)
            {
                removed.AddRange(Prune(one, childSchema, at));
            }
            else if (child is JsonArray many && childSchema["items"] is JsonObject itemSchema)
            {
                foreach (var item in many.OfType<JsonObject>())
                    removed.AddRange(Prune(item, itemSchema, at));
            }
        }

        return removed;
    }

    /// <summary>One sentence for each thing that breaks the schema.</summary>
    public static IEnumerable<string> Check(JsonNode? value, JsonNode? old, JsonObject schema, string path = "")
    {
        if (value is null || !HasType(value, (string?)schema["type"]))
            return [$"{path}: must be of type {schema["type"]}"];
        if (schema["x-kubernetes-validations"] is JsonArray rules && old is not null && !JsonNode.DeepEquals(value, old))
            return rules.Select(rule => $"{path}: {rule!["message"]}");
        return value switch
        {
            JsonObject one => CheckObject(one, old as JsonObject, schema, path),
            JsonArray many => CheckList(many, schema, path),
            _ => CheckScalar(value, schema).Select(what => $"{path}: {what}"),
        };
    }

    private static IEnumerable<string> CheckObject(JsonObject value, JsonObject? old, JsonObject schema, string path)
    {
        foreach (var name in (schema["required"] as JsonArray ?? []).Select(name => (string)name!))
        {
            if (value[name] is null)
                yield return $"{path}.{name}: Required value";
        }

        foreach (var (name, child) in value)
        {
            if (schema["properties"]?[name] is not JsonObject childSchema)
                continue;
            foreach (var problem in Check(child, old?[name], childSchema, $"{path}.{name}"))
                yield return problem;
        }
    }

    private static IEnumerable<string> CheckList(JsonArray value, JsonObject schema, string path)
    {
        if (value.Count < ((long?)schema["minItems"] ?? 0) || value.Count > ((long?)schema["maxItems"] ?? long.MaxValue))
            yield return $"{path}: must have {schema["minItems"]} to {schema["maxItems"]} items";
        var items = (JsonObject)schema["items"]!;
        for (var at = 0; at < value.Count; at++)
        {
            foreach (var problem in Check(value[at], null, items, $"{path}[{at}]"))
                yield return problem;
        }
    }

    private static IEnumerable<string> CheckScalar(JsonNode value, JsonObject schema)
    {
        if (schema["enum"] is JsonArray allowed && !allowed.Any(one => JsonNode.DeepEquals(one, value)))
            yield return $"Unsupported value: {value}: supported values: {allowed.ToJsonString()}";
        if (value.GetValueKind() == JsonValueKind.String)
        {
            var text = (string)value!;
            if (schema["pattern"] is { } pattern && !Regex.IsMatch(text, (string)pattern!))
                yield return $"Invalid value: \"{text}\": should match '{pattern}'";
            if (text.Length < ((long?)schema["minLength"] ?? 0) || text.Length > ((long?)schema["maxLength"] ?? long.MaxValue))
                yield return $"Invalid value: \"{text}\": its length";
            if ((string?)schema["format"] == "date-time" && !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _))
                yield return $"Invalid value: \"{text}\": no date-time";
            yield break;
        }

        if (value.GetValueKind() == JsonValueKind.Number)
        {
            var number = decimal.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);
            if (number < ((long?)schema["minimum"] ?? decimal.MinValue) || number > ((long?)schema["maximum"] ?? decimal.MaxValue))
                yield return $"Invalid value: {number}: should be between {schema["minimum"]} and {schema["maximum"]}";
        }
    }

    private static bool HasType(JsonNode value, string? type) => type switch
    {
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => value.GetValueKind() == JsonValueKind.String,
        "boolean" => value.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.GetValueKind() == JsonValueKind.Number && !value.ToJsonString().Contains('.', StringComparison.Ordinal),
        _ => false,
    };
}
