namespace CsiThin.Driver.Kube.Objects;

/// <summary>The name of one object, with its namespace where it has one.</summary>
internal readonly record struct ObjectName(string Name, string? Namespace = null)
{
    /// <inheritdoc/>
    public override string ToString() => Namespace is null ? Name : $"{Namespace}/{Name}";
}
