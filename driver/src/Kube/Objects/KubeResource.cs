namespace CsiThin.Driver.Kube.Objects;

/// <summary>
/// A kind of object as the API server addresses it. <see cref="Group"/> is empty for the core group.
/// </summary>
internal sealed record KubeResource(string Group, string Version, string Plural, string Kind, bool IsNamespaced)
{
    /// <summary>
    /// Ask for <c>metadata</c> alone: of a thousand nodes only names and labels are wanted, and the rest is ten times as much.
    /// </summary>
    public bool IsMetadataOnly { get; init; }

    /// <summary>The object's <c>apiVersion</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>As kubectl names it: <c>thinpools.csithin.io</c>, <c>events</c>.</summary>
    public string FullName => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>
    /// The path of one object, or of the collection where <paramref name="name"/> is null; of all namespaces where
    /// <paramref name="namespaceName"/> is null.
    /// </summary>
    public string PathOf(string? namespaceName, string? name = null, string? subresource = null)
    {
        var path = Group.Length == 0 ? $"/api/{Version}" : $"/apis/{Group}/{Version}";
        if (IsNamespaced && namespaceName is not null)
            path += $"/namespaces/{Uri.EscapeDataString(namespaceName)}";
        path += $"/{Plural}";
        if (name is not null)
            path += $"/{Uri.EscapeDataString(name)}";
        return subresource is null ? path : $"{path}/{subresource}";
    }
}
