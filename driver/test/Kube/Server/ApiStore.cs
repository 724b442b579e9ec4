using System.Globalization;
using System.Text.Json.Nodes;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>
/// Objects with one revision for all, like etcd: each change is remembered until <see cref="Compact"/>.
/// <para>Concurrency: everything is guarded by <c>_gate</c>; objects are never changed once stored, so they are handed out as they
/// are.</para>
/// </summary>
internal sealed class ApiStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, (ApiKey Key, JsonObject Value)> _objects = new(StringComparer.Ordinal);
    private readonly List<ApiHistory> _history = [];
    private long _revision = 100;
    private long _compacted = 100;
    private TaskCompletionSource _changed = NewSignal();

    public long Revision
    {
        get
        {
            lock (_gate)
                return _revision;
        }
    }

    public JsonObject? Find(ApiKey key)
    {
        lock (_gate)
            return _objects.TryGetValue(Text(key), out var found) ? found.Value : null;
    }

    /// <summary>All objects of a resource at one moment.</summary>
    public (long Revision, IReadOnlyList<JsonObject> Objects) List(ApiResource resource, string? namespaceName)
    {
        lock (_gate)
        {
            var found = _objects.Values
                .Where(one => one.Key.Group == resource.Group && one.Key.Plural == resource.Plural)
                .Where(one => namespaceName is null || one.Key.Namespace == namespaceName)
                .Select(one => one.Value);
            return (_revision, [.. found]);
        }
    }

    /// <summary>
    /// Changes an object: <paramref name="change"/> gets what is there (or null) and gives what is to be (null: delete it). What it does
    /// not change keeps its version.
    /// </summary>
    public JsonObject? Change(ApiKey key, Func<JsonObject?, JsonObject?> change)
    {
        TaskCompletionSource signal;
        JsonObject? after;
        lock (_gate)
        {
            var before = _objects.TryGetValue(Text(key), out var found) ? found.Value : null;
            after = change(before);
            if (before is not null && after is not null && JsonNode.DeepEquals(before, after))
                return before;
            _revision++;
            if (after is null)
                _objects.Remove(Text(key));
            else
                _objects[Text(key)] = (key, after);
            if (after is not null)
                after["metadata"]!["resourceVersion"] = _revision.ToString(CultureInfo.InvariantCulture);
            _history.Add(new ApiHistory(_revision, key, after is null ? WithRevision(before!) : before, after));
            (signal, _changed) = (_changed, NewSignal());
        }

        signal.SetResult();
        return after;
    }

    /// <summary>What changed behind a revision; null when that is forgotten. The task ends with the next change.</summary>
    public (IReadOnlyList<ApiHistory>? Changes, long Revision, Task Next) Since(long revision)
    {
        lock (_gate)
        {
            var changes = revision < _compacted ? null : _history.SkipWhile(one => one.Revision <= revision).ToList();
            return (changes, _revision, _changed.Task);
        }
    }

    /// <summary>Forgets what happened up to now.</summary>
    public void Compact()
    {
        lock (_gate)
        {
            _compacted = _revision;
            _history.Clear();
        }
    }

    private JsonObject WithRevision(JsonObject value)
    {
        var copy = (JsonObject)value.DeepClone();
        copy["metadata"]!["resourceVersion"] = _revision.ToString(CultureInfo.InvariantCulture);
        return copy;
    }

    private static string Text(ApiKey key) => $"{key.Group}/{key.Plural}/{key.Namespace}/{key.Name}";

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
