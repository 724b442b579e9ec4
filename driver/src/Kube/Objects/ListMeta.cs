namespace CsiThin.Driver.Kube.Objects;

/// <summary>The metadata of a list.</summary>
internal sealed record ListMeta
{
    /// <summary>The moment of the list: a watch goes on from here.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Asks for the next page; null or empty on the last. It expires (410) after some minutes.</summary>
    public string? Continue { get; init; }
}
