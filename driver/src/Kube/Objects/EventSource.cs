namespace CsiThin.Driver.Kube.Objects;

/// <summary>Who tells an event: the program, and the node it runs on.</summary>
internal sealed record EventSource
{
    /// <summary>The program.</summary>
    public required string Component { get; init; }

    /// <summary>Its node, if it is bound to one.</summary>
    public string? Host { get; init; }
}
