namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>A resource that the test API server serves.</summary>
internal sealed record ApiResource(string Group, string Version, string Plural, string Kind, bool IsNamespaced)
{
    /// <summary>Schema, columns and status sub-resource, where it is a custom one.</summary>
    public CustomResource? Custom { get; init; }

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    public string FullName => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>Those the driver uses, those that its chart installs, and those of its examples.</summary>
    public static IReadOnlyList<ApiResource> Known { get; } =
    [
        new("", "v1", "nodes", "Node", false),
        new("", "v1", "persistentvolumes", "PersistentVolume", false),
        new("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true),
        new("", "v1", "events", "Event", true),
        new("coordination.k8s.io", "v1", "leases", "Lease", true),
        new("csithin.io", "v1alpha1", "thinpools", "ThinPool", false) { Custom = CustomResource.ThinPools },
        new("", "v1", "namespaces", "Namespace", false),
        new("", "v1", "secrets", "Secret", true),
        new("", "v1", "configmaps", "ConfigMap", true),
        new("", "v1", "serviceaccounts", "ServiceAccount", true),
        new("apps", "v1", "deployments", "Deployment", true),
        new("apps", "v1", "daemonsets", "DaemonSet", true),
        new("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true),
        new("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true),
        new("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false),
        new("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false),
        new("rbac.authorization.k8s.io", "v1", "roles", "Role", true),
        new("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true),
        new("storage.k8s.io", "v1", "csidrivers", "CSIDriver", false),
        new("storage.k8s.io", "v1", "storageclasses", "StorageClass", false),
        new("snapshot.storage.k8s.io", "v1", "volumesnapshotclasses", "VolumeSnapshotClass", false),
        new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false),
        new("", "v1", "pods", "Pod", true),
        new("snapshot.storage.k8s.io", "v1", "volumesnapshots", "VolumeSnapshot", true),
        new("snapshot.storage.k8s.io", "v1", "volumesnapshotcontents", "VolumeSnapshotContent", false),
    ];
}
