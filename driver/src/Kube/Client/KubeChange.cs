namespace CsiThin.Driver.Kube.Client;

/// <summary>One change that a watch tells; of a bookmark's object only the resource version means anything.</summary>
internal sealed record KubeChange<T>(KubeChangeKind Kind, T Object);
