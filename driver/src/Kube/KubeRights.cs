namespace CsiThin.Driver.Kube;

/// <summary>
/// The rights that each role uses at the API server, as <c>VERB RESOURCE.GROUP[/SUBRESOURCE]</c>. The chart's rules grant these and no
/// others; tests hold what is asked for against them.
/// </summary>
internal static class KubeRights
{
    /// <summary>A node that publishes its pools.</summary>
    public static IReadOnlyList<string> Node { get; } =
    [
        "create events", "patch events",
        "get nodes",
        "list persistentvolumes",
        "list thinpools.csithin.io", "watch thinpools.csithin.io", "create thinpools.csithin.io", "patch thinpools.csithin.io",
        "patch thinpools.csithin.io/status",
    ];

    /// <summary>An engine that makes declared pools.</summary>
    public static IReadOnlyList<string> Engine { get; } = ["get nodes"];

    /// <summary>The controller; its leases lie in its own namespace.</summary>
    public static IReadOnlyList<string> Controller { get; } =
    [
        "create events", "patch events",
        "list nodes",
        "list thinpools.csithin.io", "watch thinpools.csithin.io", "patch thinpools.csithin.io", "patch thinpools.csithin.io/status",
        "get leases.coordination.k8s.io", "create leases.coordination.k8s.io", "update leases.coordination.k8s.io",
    ];

    /// <summary>A node where there is no controller: one of them, elected, does that one's work.</summary>
    public static IReadOnlyList<string> NodeAlone { get; } = [.. Node, .. Controller];
}
