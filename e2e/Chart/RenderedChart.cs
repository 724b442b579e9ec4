using System.Text.Json.Nodes;

namespace CsiThin.EndToEnd.Chart;

/// <summary>The objects of a rendered chart or of manifests, and what is asked of them more than once.</summary>
internal sealed class RenderedChart(IReadOnlyList<JsonObject> objects)
{
    /// <summary>All of them.</summary>
    public IReadOnlyList<JsonObject> Objects { get; } = objects;

    /// <summary>Those of a kind.</summary>
    public IEnumerable<JsonObject> OfKind(string kind) => Objects.Where(one => (string?)one["kind"] == kind);

    /// <summary>The one of a kind whose name has this end.</summary>
    public JsonObject Single(string kind, string nameEnd) =>
        OfKind(kind).Single(one => NameOf(one).EndsWith(nameEnd, StringComparison.Ordinal));

    /// <summary>The objects that have pods, and those pods' spec.</summary>
    public IEnumerable<(string Name, JsonObject Pod)> Pods() =>
        from one in Objects
        where (string?)one["kind"] is "Deployment" or "DaemonSet" or "StatefulSet"
        select (NameOf(one), (JsonObject)one["spec"]!["template"]!["spec"]!);

    /// <summary>The container of one of csi-thin's own roles.</summary>
    public JsonObject Container(string role) =>
        Pods().SelectMany(pod => Containers(pod.Pod)).Single(container => (string?)container["name"] == role);

    /// <summary>The rights of a role's ServiceAccount in order, as <see cref="Driver.Kube.KubeRights"/> writes them.</summary>
    public IReadOnlyList<string> Rights(string role)
    {
        var rights =
            from one in Objects
            where (string?)one["kind"] is "ClusterRole" or "Role" && NameOf(one).EndsWith($"-{role}", StringComparison.Ordinal)
            from rule in (JsonArray)one["rules"]!
            from verb in Texts(rule!["verbs"])
            from fullGroup in Texts(rule["apiGroups"])
            from resource in Texts(rule["resources"])
            let parts = resource.Split('/', 2)
            let kind = fullGroup.Length == 0 ? parts[0] : $"{parts[0]}.{fullGroup}"
            select $"{verb} {kind}{(parts.Length > 1 ? "/" + parts[1] : "")}";
        return [.. rights.Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>Containers of a pod, those that run before the others first.</summary>
    public static IEnumerable<JsonObject> Containers(JsonObject pod) =>
        Items(pod["initContainers"]).Concat(Items(pod["containers"]));

    /// <summary>The objects in a list; none where there is no list.</summary>
    public static IEnumerable<JsonObject> Items(JsonNode? list) => ((JsonArray?)list)?.OfType<JsonObject>() ?? [];

    /// <summary>The texts in a list; none where there is no list.</summary>
    public static IEnumerable<string> Texts(JsonNode? list) => ((JsonArray?)list)?.Select(one => one!.ToString()) ?? [];

    /// <summary>The object's name.</summary>
    public static string NameOf(JsonObject one) => (string)one["metadata"]!["name"]!;

    /// <summary>The value of an argument <c>--name=value</c>; null where it is not given.</summary>
    public static string? Argument(JsonObject container, string name) => Texts(container["args"])
        .Where(one => one.StartsWith($"--{name}=", StringComparison.Ordinal)).Select(one => one[(name.Length + 3)..]).SingleOrDefault();
}
