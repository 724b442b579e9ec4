namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// Who publishes, and how often. A thousand nodes with two pools each make 33 small writes a second with these periods, which an API server
/// does not feel.
/// </summary>
internal sealed record PublisherOptions(string Node)
{
    /// <summary>Host and port where this node answers CSI calls over TLS.</summary>
    public string? Address { get; init; }

    /// <summary>Between two looks at the pools.</summary>
    public TimeSpan ReadPeriod { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A status is published at least so often, as a sign of life.</summary>
    public TimeSpan HeartbeatPeriod { get; init; } = DefaultHeartbeatPeriod;

    /// <summary>Figures that changed wait for this; conditions, mode and volumes do not.</summary>
    public TimeSpan FigurePeriod { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The shortest time between two rounds, whatever happens.</summary>
    public TimeSpan RestPeriod { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What the controller counts with.</summary>
    public static TimeSpan DefaultHeartbeatPeriod { get; } = TimeSpan.FromSeconds(60);
}
