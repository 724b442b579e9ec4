namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>A resource that the test API server serves.</summary>
internal sealed record ApiResource(string Group, string Version, string Plural, string Kind, bool IsNamespaced)
{
    /// <summary>Schema, columns and status sub-resource, where it is a custom one.</summary>
    public CustomResource? Custom { get; init; }

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    public string FullName => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>Those the driver uses, and the Secrets that the chart looks for.</summary>
    public static IReadOnlyList<ApiResource> Known { get; } =
    [
        new("", "v1", "nodes", "Node", false),
        new("", "v1", "persistentvolumes", "PersistentVolume", false),
        new("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true),
        new("", "v1", "events", "Event", true),
        new("coordination.k8s.io", "v1", "leases", "Lease", true),
        new("csithin.io", "v1alpha1", "thinpools", "ThinPool", false) { Custom = CustomResource.ThinPools },
        new("", "v1", "secrets", "Secret", true),
    ];
}
