using System.Text.Json.Nodes;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>What kubectl asks before it asks for anything: which groups and resources are there.</summary>
internal static class Discovery
{
    public static JsonObject? Answer(string path) => path.Trim('/').Split('/') switch
    {
        ["version"] => new JsonObject { ["major"] = "1", ["minor"] = "33", ["gitVersion"] = "v1.33.0" },
        ["api"] => new JsonObject { ["kind"] = "APIVersions", ["versions"] = new JsonArray("v1") },
        ["apis"] => new JsonObject
        {
            ["kind"] = "APIGroupList",
            ["apiVersion"] = "v1",
            ["groups"] = new JsonArray([.. Groups().Select(group => Group(group.Group, group.Version))]),
        },
        ["api", "v1"] => Resources("", "v1"),
        ["apis", var name] => Groups().Where(group => group.Group == name).Select(group => Group(name, group.Version)).FirstOrDefault(),
        ["apis", var group, var version] => Resources(group, version),
        _ => null,
    };

    private static IEnumerable<(string Group, string Version)> Groups() =>
        ApiResource.Known.Where(one => one.Group.Length > 0).Select(one => (one.Group, one.Version)).Distinct();

    private static JsonObject Group(string name, string version)
    {
        JsonObject Entry() => new() { ["groupVersion"] = $"{name}/{version}", ["version"] = version };
        return new JsonObject { ["name"] = name, ["versions"] = new JsonArray(Entry()), ["preferredVersion"] = Entry() };
    }

    // As the real server's; they are what documents and people write.
    private static JsonArray? ShortNames(string plural) => plural switch
    {
        "configmaps" => ["cm"],
        "customresourcedefinitions" => ["crd", "crds"],
        "daemonsets" => ["ds"],
        "deployments" => ["deploy"],
        "events" => ["ev"],
        "namespaces" => ["ns"],
        "nodes" => ["no"],
        "persistentvolumeclaims" => ["pvc"],
        "persistentvolumes" => ["pv"],
        "pods" => ["po"],
        "serviceaccounts" => ["sa"],
        "storageclasses" => ["sc"],
        _ => null,
    };

    private static JsonObject? Resources(string group, string version)
    {
        var known = ApiResource.Known.Where(one => one.Group == group && one.Version == version).ToList();
        if (known.Count == 0)
            return null;
        return new JsonObject
        {
            ["kind"] = "APIResourceList",
            ["apiVersion"] = "v1",
            ["groupVersion"] = known[0].ApiVersion,
            ["resources"] = new JsonArray([.. known.SelectMany(Entries)]),
        };
    }

    private static IEnumerable<JsonNode> Entries(ApiResource resource)
    {
        var names = resource.Custom?.Definition["spec"]!["names"];
        JsonObject Entry(string name, params string[] verbs) => new()
        {
            ["name"] = name,
            ["singularName"] = resource.Kind.ToLowerInvariant(),
            ["namespaced"] = resource.IsNamespaced,
            ["kind"] = resource.Kind,
            ["verbs"] = new JsonArray([.. verbs.Select(verb => (JsonNode)verb)]),
            ["shortNames"] = names?["shortNames"]?.DeepClone() ?? ShortNames(name),
        };
        yield return Entry(resource.Plural, "get", "list", "watch", "create", "update", "patch", "delete");
        if (resource.Custom is not null)
            yield return Entry($"{resource.Plural}/status", "get", "patch", "update");
    }
}
