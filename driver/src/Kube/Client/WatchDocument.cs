using System.Text.Json;
using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Client;

/// <summary>Reads one document of a watch: <c>{"type":"MODIFIED","object":{...}}</c>.</summary>
internal static class WatchDocument
{
    /// <summary>The change; an ERROR is thrown as the exception it stands for, and so is whatever is no document.</summary>
    public static KubeChange<T> Read<T>(KubeCall call, ReadOnlyMemory<byte> line)
        where T : KubeObject
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var type = document.RootElement.GetProperty("type").GetString();
            var value = document.RootElement.GetProperty("object");
            if (type == "ERROR")
                throw KubeErrors.Of(call, value.Deserialize<KubeStatus>(KubeJson.Options) ?? new KubeStatus());
            var kind = type switch
            {
                "ADDED" => KubeChangeKind.Added,
                "MODIFIED" => KubeChangeKind.Modified,
                "DELETED" => KubeChangeKind.Deleted,
                "BOOKMARK" => KubeChangeKind.Bookmark,
                _ => throw KubeErrors.Malformed(call, "a change of a kind that is not known"),
            };
            return new KubeChange<T>(kind, Named(call, kind, value.Deserialize<T>(KubeJson.Options)));
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw KubeErrors.Malformed(call, "a line that is no change", failure);
        }
    }

    private static T Named<T>(KubeCall call, KubeChangeKind kind, T? value)
        where T : KubeObject
    {
        if (value is null || string.IsNullOrEmpty(value.Metadata.ResourceVersion))
            throw KubeErrors.Malformed(call, "a change without a resource version");
        if (kind != KubeChangeKind.Bookmark && string.IsNullOrEmpty(value.Metadata.Name))
            throw KubeErrors.Malformed(call, "a change without a name");
        return value;
    }
}
