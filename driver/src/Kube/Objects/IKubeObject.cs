namespace CsiThin.Driver.Kube.Objects;

/// <summary>A type that says which resource of the API server it is.</summary>
internal interface IKubeObject
{
    /// <summary>Where objects of this type are.</summary>
    static abstract KubeResource Resource { get; }
}
