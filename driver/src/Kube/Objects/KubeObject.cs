namespace CsiThin.Driver.Kube.Objects;

/// <summary>
/// What every object of the API has. Types hold the fields this driver reads or writes and no others: what is read and unknown is left out,
/// so an object is changed by a patch that names the fields meant, and replaced only where the type has them all (leases).
/// </summary>
internal abstract record KubeObject
{
    /// <summary>Group and version; the API server leaves it out of the items of a list.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>The kind; left out of the items of a list as well.</summary>
    public string? Kind { get; init; }

    /// <summary>Name, labels, version.</summary>
    public ObjectMeta Metadata { get; init; } = new();
}
