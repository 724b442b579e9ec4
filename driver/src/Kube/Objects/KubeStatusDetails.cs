namespace CsiThin.Driver.Kube.Objects;

/// <summary>The details of a <see cref="KubeStatus"/>.</summary>
internal sealed record KubeStatusDetails
{
    /// <summary>When to come again, in seconds.</summary>
    public int? RetryAfterSeconds { get; init; }
}
