namespace CsiThin.Driver.Kube.Objects;

/// <summary>
/// core/v1 Event, the form that <c>kubectl get events</c> and <c>describe</c> read and that every version of the API server takes.
/// </summary>
internal sealed record KubeEvent : KubeObject, IKubeObject
{
    /// <inheritdoc/>
    public static KubeResource Resource { get; } = new("", "v1", "events", "Event", IsNamespaced: true);

    /// <summary>The object it is about.</summary>
    public required ObjectReference InvolvedObject { get; init; }

    /// <summary>One word in CamelCase.</summary>
    public required string Reason { get; init; }

    /// <summary>A sentence of at most 1024 characters.</summary>
    public required string Message { get; init; }

    /// <summary><c>Normal</c> or <c>Warning</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Who tells it.</summary>
    public EventSource? Source { get; init; }

    /// <summary>When it happened first.</summary>
    public DateTimeOffset? FirstTimestamp { get; init; }

    /// <summary>When it happened last.</summary>
    public DateTimeOffset? LastTimestamp { get; init; }

    /// <summary>How often it happened.</summary>
    public int? Count { get; init; }
}
