using System.Text.Json.Nodes;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>The verbs that change objects, with the rules of the real server that the driver relies on.</summary>
internal sealed class ApiObjects(ApiStore store, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ApiKey, FieldOwners> _owners = [];

    public JsonObject Create(ApiResource resource, ApiKey key, JsonObject value) => store.Change(key, before =>
        before is null
            ? Finished(resource, key, null, Without(value, resource.Custom is null ? null : "status"))
            : throw new ApiProblem(409, "AlreadyExists", $"{resource.FullName} \"{key.Name}\" already exists"))!;

    public JsonObject Replace(ApiResource resource, ApiKey key, JsonObject value, string? subresource, string manager) =>
        store.Change(key, before =>
        {
            var live = before ?? throw ApiProblem.NotFound(resource, key.Name);
            // Protobuf of Go has the empty version too, where none is meant.
            if ((string?)value["metadata"]?["resourceVersion"] is { Length: > 0 } version
                && version != (string?)live["metadata"]!["resourceVersion"])
                throw ApiProblem.Conflict(resource, key.Name, "the object has been modified; please try again");
            var after = Finished(resource, key, live, OfPart(resource, live, value, subresource));
            OwnersOf(key).Changed(live, after, manager);
            return after;
        })!;

    public JsonObject Merge(ApiResource resource, ApiKey key, JsonObject patch, string? subresource, string manager) =>
        store.Change(key, before =>
        {
            var live = before ?? throw ApiProblem.NotFound(resource, key.Name);
            var merged = (JsonObject)live.DeepClone();
            MergeInto(merged, patch);
            var after = Finished(resource, key, live, OfPart(resource, live, merged, subresource));
            OwnersOf(key).Changed(live, after, manager);
            return after;
        })!;

    public JsonObject Apply(ApiResource resource, ApiKey key, JsonObject value, string? subresource, string manager, bool isForced) =>
        store.Change(key, before =>
        {
            if (before is null && subresource is not null)
                throw ApiProblem.NotFound(resource, key.Name);
            var part = subresource is null ? Without(value, resource.Custom is null ? null : "status") : StatusAlone(value);
            var merged = OwnersOf(key).Apply(
                before, part, $"{manager}{subresource}", isForced, why => ApiProblem.Conflict(resource, key.Name, why));
            return Finished(resource, key, before, merged);
        })!;

    public void Delete(ApiResource resource, ApiKey key, JsonNode? preconditions)
    {
        store.Change(key, before =>
        {
            var live = before ?? throw ApiProblem.NotFound(resource, key.Name);
            foreach (var name in new[] { "uid", "resourceVersion" })
            {
                if (preconditions?[name] is { } wanted && (string?)wanted != (string?)live["metadata"]![name])
                    throw ApiProblem.Conflict(resource, key.Name, $"Precondition failed: {name}");
            }

            return null;
        });
        lock (_gate)
            _owners.Remove(key);
    }

    private FieldOwners OwnersOf(ApiKey key)
    {
        lock (_gate)
        {
            if (!_owners.TryGetValue(key, out var owners))
                _owners[key] = owners = new FieldOwners();
            return owners;
        }
    }

    // The main part of a custom resource leaves its status alone, and the other way round.
    private static JsonObject OfPart(ApiResource resource, JsonObject live, JsonObject value, string? subresource)
    {
        if (resource.Custom is null)
            return (JsonObject)value.DeepClone();
        var (from, statusFrom) = subresource == "status" ? (live, value) : (value, live);
        var result = Without(from, "status");
        if (statusFrom["status"] is { } status)
            result["status"] = status.DeepClone();
        return result;
    }

    private JsonObject Finished(ApiResource resource, ApiKey key, JsonObject? before, JsonObject value)
    {
        var after = (JsonObject)value.DeepClone();
        if (resource.Custom is { } custom)
        {
            SchemaCheck.Prune(after, custom.Schema);
            var problems = SchemaCheck.Check(after, before, custom.Schema).ToList();
            if (problems.Count > 0)
                throw new ApiProblem(
                    422, "Invalid", $"{resource.Kind}.{resource.Group} \"{key.Name}\" is invalid: {string.Join(", ", problems)}");
        }

        after["apiVersion"] = resource.ApiVersion;
        after["kind"] = resource.Kind;
        var metadata = after["metadata"] as JsonObject ?? [];
        after["metadata"] = metadata;
        metadata["name"] = key.Name;
        if (key.Namespace is { } namespaceName)
            metadata["namespace"] = namespaceName;
        var old = before?["metadata"];
        metadata["uid"] = (string?)old?["uid"] ?? Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = (string?)old?["creationTimestamp"] ?? time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
        metadata["resourceVersion"] = (string?)old?["resourceVersion"];
        var generation = (long?)old?["generation"] ?? 0;
        metadata["generation"] = before is not null && JsonNode.DeepEquals(before["spec"], after["spec"]) ? generation : generation + 1;
        return after;
    }

    private static void MergeInto(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
            {
                target.Remove(name);
            }
            else if (value is JsonObject one)
            {
                if (target[name] is not JsonObject inner)
                    target[name] = inner = [];
                MergeInto(inner, one);
            }
            else
            {
                target[name] = value.DeepClone();
            }
        }
    }

    private static JsonObject Without(JsonObject value, string? name)
    {
        var copy = (JsonObject)value.DeepClone();
        if (name is not null)
            copy.Remove(name);
        return copy;
    }

    private static JsonObject StatusAlone(JsonObject value) => value["status"] is { } status
        ? new JsonObject { ["status"] = status.DeepClone() }
        : [];
}
