namespace CsiThin.Driver.Kube.Client;

/// <summary>Which objects are meant: all of the cluster unless something narrows it.</summary>
internal sealed record KubeSelection
{
    /// <summary>Everything there is.</summary>
    public static readonly KubeSelection All = new();

    /// <summary>Of one namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>With such labels: <c>key=value,other!=value</c>.</summary>
    public string? LabelSelector { get; init; }

    /// <summary>With such fields: <c>metadata.name=x</c>.</summary>
    public string? FieldSelector { get; init; }
}
