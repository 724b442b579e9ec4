namespace CsiThin.Driver.Kube.Objects;

/// <summary>core/v1 Node, of which only the metadata is asked for.</summary>
internal sealed record KubeNode : KubeObject, IKubeObject
{
    /// <inheritdoc/>
    public static KubeResource Resource { get; } = new("", "v1", "nodes", "Node", IsNamespaced: false) { IsMetadataOnly = true };
}
