using System.Text.Json.Nodes;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>
/// Server-side apply: who owns which field of one object. Lists of maps (conditions) are merged by their key "type"; other lists are one
/// field. Guarded by whoever holds it.
/// </summary>
internal sealed class FieldOwners
{
    // Between the parts of a path: names of labels hold slashes and dots.
    private const char Slash = '\u001f';

    private static readonly HashSet<string> Identity =
    [
        .. from path in new[] { "/apiVersion", "/kind", "/metadata/name", "/metadata/namespace" } select path.Replace('/', Slash),
    ];

    private readonly Dictionary<string, HashSet<string>> _fields = [];

    /// <summary>The object after an apply; <paramref name="conflict"/> makes the refusal where a field belongs to another.</summary>
    public JsonObject Apply(JsonObject? live, JsonObject applied, string manager, bool isForced, Func<string, ApiProblem> conflict)
    {
        var result = (JsonObject?)live?.DeepClone() ?? [];
        var wanted = Leaves(applied);
        foreach (var (path, value) in wanted)
        {
            var others = _fields.Where(one => one.Key != manager && one.Value.Contains(path)).ToList();
            if (others.Count == 0 || JsonNode.DeepEquals(Find(result, path), value))
                continue;
            if (!isForced)
                throw conflict($"Apply failed with 1 conflict: conflict with \"{others[0].Key}\": {path.Replace(Slash, '.')}");
            others.ForEach(other => other.Value.Remove(path));
        }

        var before = _fields.GetValueOrDefault(manager) ?? [];
        _fields[manager] = [.. wanted.Select(one => one.Path)];
        foreach (var path in before.Where(path => !_fields.Any(one => one.Value.Contains(path)) && !HoldsFields(Find(result, path))))
            Remove(result, path);
        foreach (var (path, value) in wanted.Where(one => one.Value is not JsonObject || !HoldsFields(Find(result, one.Path))))
            Set(result, path, value?.DeepClone());
        return result;
    }

    /// <summary>Fields changed in another way belong to whoever changed them.</summary>
    public void Changed(JsonObject before, JsonObject after, string manager)
    {
        var old = Leaves(before).ToDictionary(one => one.Path, one => one.Value);
        foreach (var (path, value) in Leaves(after))
        {
            if (old.TryGetValue(path, out var was) && JsonNode.DeepEquals(was, value))
                continue;
            foreach (var other in _fields.Values)
                other.Remove(path);
            if (!_fields.TryGetValue(manager, out var own))
                _fields[manager] = own = [];
            own.Add(path);
        }
    }

    private static List<(string Path, JsonNode? Value)> Leaves(JsonNode? node, string path = "") => node switch
    {
        JsonObject { Count: > 0 } one => [.. one.SelectMany(pair => Leaves(pair.Value, $"{path}{Slash}{pair.Key}"))],
        JsonArray many when IsMap(many) => [.. many.SelectMany(item => Leaves(item, $"{path}{Slash}[{item!["type"]}]"))],
        _ when Identity.Contains(path) => [],
        _ => [(path, node)],
    };

    // An object that is empty where it is applied is a field of its own ("emptyDir: {}"), but what others put into it stays.
    private static bool HoldsFields(JsonNode? node) => node is JsonObject { Count: > 0 };

    private static bool IsMap(JsonArray list) => list.Count > 0 && list.All(item => item is JsonObject one && one.ContainsKey("type"));

    private static JsonNode? Step(JsonNode? node, string part) => part[0] == '['
        ? (node as JsonArray)?.FirstOrDefault(item => (string?)item?["type"] == part[1..^1])
        : (node as JsonObject)?[part];

    private static JsonNode? Find(JsonNode? node, string path) => path.Split(Slash).Skip(1).Aggregate(node, Step);

    private static void Set(JsonObject root, string path, JsonNode? value)
    {
        var parts = path.Split(Slash)[1..];
        JsonNode node = root;
        for (var at = 0; at < parts.Length - 1; at++)
        {
            var next = Step(node, parts[at]);
            if (next is null)
            {
                next = parts[at + 1][0] == '[' ? new JsonArray() : new JsonObject();
                if (node is JsonArray list)
                    list.Add(next);
                else
                    node[parts[at]] = next;
            }

            node = next;
        }

        node[parts[^1]] = value;
    }

    private static void Remove(JsonObject root, string path)
    {
        var cut = path.LastIndexOf(Slash);
        var (parentPath, name) = (path[..cut], path[(cut + 1)..]);
        switch (Find(root, parentPath))
        {
            case JsonObject one:
                one.Remove(name);
                if (one.Count == 0 && parentPath.Length > 0)
                    Remove(root, parentPath);
                break;
            case JsonArray list:
                if (Step(list, name) is { } item)
                    list.Remove(item);
                break;
        }
    }
}
