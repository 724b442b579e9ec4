namespace CsiThin.Driver.Kube.Objects;

/// <summary>A list, or one page of it.</summary>
internal sealed record KubeList<T>
{
    /// <summary>Where the page stands.</summary>
    public ListMeta Metadata { get; init; } = new();

    /// <summary>The objects; null on the wire where there are none.</summary>
    public IReadOnlyList<T>? Items { get; init; } = [];
}
