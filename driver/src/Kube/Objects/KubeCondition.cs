namespace CsiThin.Driver.Kube.Objects;

/// <summary>One condition of an object (meta/v1 Condition): is what <see cref="Type"/> says true, since when, and why.</summary>
internal sealed record KubeCondition
{
    /// <summary>The value of <see cref="Status"/> for yes.</summary>
    public const string True = "True";

    /// <summary>The value of <see cref="Status"/> for no.</summary>
    public const string False = "False";

    /// <summary>The value of <see cref="Status"/> for what nobody can tell.</summary>
    public const string Unknown = "Unknown";

    /// <summary>What it is about, once per object.</summary>
    public required string Type { get; init; }

    /// <summary><see cref="True"/>, <see cref="False"/> or <see cref="Unknown"/>.</summary>
    public required string Status { get; init; }

    /// <summary>One word in CamelCase.</summary>
    public required string Reason { get; init; }

    /// <summary>A sentence.</summary>
    public required string Message { get; init; }

    /// <summary>When <see cref="Status"/> last changed; it does not move with reason or message.</summary>
    public required DateTimeOffset LastTransitionTime { get; init; }
}
