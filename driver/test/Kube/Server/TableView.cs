using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>An answer in the form asked for: whole, metadata alone, or as a table with the resource's printer columns.</summary>
internal static partial class TableView
{
    public static JsonObject Shown(HttpRequest request, ApiResource resource, JsonObject answer)
    {
        var accept = request.Headers.Accept.ToString();
        if (accept.Contains("as=PartialObjectMetadata", StringComparison.Ordinal))
            return MetadataAlone(answer);
        return accept.Contains("as=Table", StringComparison.Ordinal) && resource.Custom is { } custom && answer["kind"] is not null
            ? Table(custom, answer)
            : answer;
    }

    private static JsonObject MetadataAlone(JsonObject answer) => answer["items"] is JsonArray items
        ? new JsonObject
        {
            ["kind"] = "PartialObjectMetadataList",
            ["apiVersion"] = "meta.k8s.io/v1",
            ["metadata"] = answer["metadata"]!.DeepClone(),
            ["items"] = new JsonArray([.. items.Select(item => MetadataAlone((JsonObject)item!))]),
        }
        : new JsonObject
        {
            ["kind"] = "PartialObjectMetadata",
            ["apiVersion"] = "meta.k8s.io/v1",
            ["metadata"] = answer["metadata"]!.DeepClone(),
        };

    private static JsonObject Table(CustomResource custom, JsonObject answer)
    {
        var columns = new JsonArray(Column("Name", "string", 0));
        foreach (var column in custom.Columns)
            columns.Add(Column((string)column!["name"]!, (string)column["type"]!, (long?)column["priority"] ?? 0));
        var objects = answer["items"] as JsonArray ?? new JsonArray(answer.DeepClone());
        return new JsonObject
        {
            ["kind"] = "Table",
            ["apiVersion"] = "meta.k8s.io/v1",
            ["metadata"] = new JsonObject { ["resourceVersion"] = (string?)answer["metadata"]?["resourceVersion"] },
            ["columnDefinitions"] = columns,
            ["rows"] = new JsonArray([.. objects.Select(one => Row(custom, (JsonObject)one!))]),
        };
    }

    private static JsonObject Column(string name, string type, long priority) =>
        new() { ["name"] = name, ["type"] = type, ["priority"] = priority, ["format"] = "", ["description"] = "" };

    private static JsonObject Row(CustomResource custom, JsonObject value)
    {
        var cells = new JsonArray((string?)value["metadata"]!["name"]);
        foreach (var column in custom.Columns)
            cells.Add(Cell((string)column!["type"]!, Find(value, (string)column["jsonPath"]!)));
        return new JsonObject
        {
            ["cells"] = cells,
            ["object"] = MetadataAlone(value),
        };
    }

    private static JsonNode? Cell(string type, JsonNode? found) => type == "date" && found is not null
        ? $"{(TimeProvider.System.GetUtcNow() - DateTimeOffset.Parse((string)found!, CultureInfo.InvariantCulture)).TotalSeconds:0}s"
        : found?.DeepClone();

    /// <summary>The JSONPath of printer columns: names, and a filter by one field.</summary>
    private static JsonNode? Find(JsonNode? node, string path)
    {
        foreach (Match part in Part().Matches(path))
        {
            node = part.Groups["name"].Success
                ? (node as JsonObject)?[part.Groups["name"].Value]
                : (node as JsonArray)?.FirstOrDefault(item => (string?)item?[part.Groups["key"].Value] == part.Groups["value"].Value);
        }

        return node;
    }

    [GeneratedRegex("""\.(?<name>\w+)|\[\?\(@\.(?<key>\w+)==\"(?<value>\w+)\"\)\]""")]
    private static partial Regex Part();
}
