using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Client;

/// <summary>A change of some fields of an object, of its main part or of a sub-resource such as <c>status</c>.</summary>
internal sealed record KubePatch
{
    private KubePatch(string contentType, byte[] body) => (ContentType, Body) = (contentType, body);

    /// <summary>Which kind of patch, for the server.</summary>
    public string ContentType { get; }

    /// <summary>The patch.</summary>
    public byte[] Body { get; }

    /// <summary>Null: the object but for its sub-resources.</summary>
    public string? Subresource { get; init; }

    /// <summary>Who changes it; needed to apply.</summary>
    public string? FieldManager { get; init; }

    /// <summary>Take fields that belong to another manager; without it that is <see cref="KubeError.Conflict"/>.</summary>
    public bool IsForced { get; init; }

    /// <summary>
    /// Server-side apply: the fields in <paramref name="value"/> become so and ours; those we applied before and do not name now go. Makes
    /// the object if it is not there, but not through a sub-resource.
    /// </summary>
    public static KubePatch Apply(KubeObject value, string fieldManager, string? subresource = null) =>
        new("application/apply-patch+yaml", KubeJson.Write(value))
        {
            FieldManager = fieldManager,
            IsForced = true,
            Subresource = subresource,
        };

    /// <summary>JSON merge patch (RFC 7386): null removes, lists are replaced.</summary>
    public static KubePatch Merge(object change, string? fieldManager = null, string? subresource = null) =>
        new("application/merge-patch+json", KubeJson.Write(change)) { FieldManager = fieldManager, Subresource = subresource };
}
