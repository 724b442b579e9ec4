using System.Text.Json.Serialization;

namespace CsiThin.Driver.Kube.Objects;

/// <summary>Who holds a lease, and for how long from the last renewal.</summary>
internal sealed record KubeLeaseSpec
{
    /// <summary>Null or empty: nobody.</summary>
    public string? HolderIdentity { get; init; }

    /// <summary>Seconds after which others may take it, counted by their own clocks from when they saw it renewed.</summary>
    public int? LeaseDurationSeconds { get; init; }

    /// <summary>When the holder got it, by the holder's clock.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? AcquireTime { get; init; }

    /// <summary>When the holder last renewed it, by the holder's clock: a sign of life, never compared with another clock.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? RenewTime { get; init; }

    /// <summary>How often it changed hands.</summary>
    public int? LeaseTransitions { get; init; }
}
