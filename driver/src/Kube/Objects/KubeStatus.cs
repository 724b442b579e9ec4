namespace CsiThin.Driver.Kube.Objects;

/// <summary>The <c>Status</c> object: how the API server says no.</summary>
internal sealed record KubeStatus
{
    /// <summary>A word to act on: <c>NotFound</c>, <c>Conflict</c>, <c>Expired</c>.</summary>
    public string? Reason { get; init; }

    /// <summary>A sentence for people.</summary>
    public string? Message { get; init; }

    /// <summary>The HTTP code; in a watch the only place where it is said.</summary>
    public int? Code { get; init; }

    /// <summary>More for some reasons.</summary>
    public KubeStatusDetails? Details { get; init; }
}
