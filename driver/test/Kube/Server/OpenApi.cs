using System.Text.Json.Nodes;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>
/// The description of the API by OpenAPI 3, as far as helm and kubectl insist on one: that a patch of each resource takes the parameter
/// fieldValidation, which is how they leave the validation to the server. There are no types in it.
/// </summary>
internal static class OpenApi
{
    private const string Root = "openapi/v3";

    /// <summary>Null for paths that describe nothing.</summary>
    public static JsonObject? Answer(string path)
    {
        var asked = path.Trim('/');
        if (asked == Root)
            return new JsonObject
            {
                ["paths"] = new JsonObject(ApiResource.Known.Select(PathOf).Distinct().Select(
                    one => KeyValuePair.Create(one, (JsonNode?)new JsonObject { ["serverRelativeURL"] = $"/{Root}/{one}" }))),
            };
        var described = ApiResource.Known.Where(one => $"{Root}/{PathOf(one)}" == asked).ToList();
        return described.Count == 0 ? null : new JsonObject
        {
            ["openapi"] = "3.0.0",
            ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = "v1" },
            ["paths"] = new JsonObject(described.Select(one => KeyValuePair.Create(
                $"/{PathOf(one)}/{(one.IsNamespaced ? "namespaces/{namespace}/" : "")}{one.Plural}/{{name}}", (JsonNode?)Item(one)))),
        };
    }

    private static string PathOf(ApiResource resource) => resource.Group.Length == 0 ? "api/v1" : $"apis/{resource.ApiVersion}";

    private static JsonObject Item(ApiResource resource) => new()
    {
        ["patch"] = new JsonObject
        {
            ["parameters"] = new JsonArray(new JsonObject
            {
                ["name"] = "fieldValidation",
                ["in"] = "query",
                ["schema"] = new JsonObject { ["type"] = "string" },
            }),
            ["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "OK" } },
            ["x-kubernetes-group-version-kind"] = new JsonObject
            {
                ["group"] = resource.Group,
                ["version"] = resource.Version,
                ["kind"] = resource.Kind,
            },
        },
    };
}
