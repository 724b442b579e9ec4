namespace CsiThin.Driver.Kube.Objects;

/// <summary>Names another object.</summary>
internal sealed record ObjectReference
{
    /// <summary>Its apiVersion.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Its kind.</summary>
    public string? Kind { get; init; }

    /// <summary>Its namespace, if it has one.</summary>
    public string? Namespace { get; init; }

    /// <summary>Its name.</summary>
    public string? Name { get; init; }

    /// <summary>Its uid; events are found by it.</summary>
    public string? Uid { get; init; }
}
