using CsiThin.Driver.Attach;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>How a process takes part in its cluster.</summary>
/// <param name="KubeConfig">The file that says where the API server is; null: this is a pod, which knows.</param>
internal sealed record ClusterOptions(string? KubeConfig)
{
    /// <summary>Host and port where this node answers CSI calls over TLS, told to the controller.</summary>
    public string? Address { get; init; }

    /// <summary>The file with the declared pools; nothing is declared where null.</summary>
    public string? DeclarationPath { get; init; }

    /// <summary>The clock by which the cluster is asked, told and waited for.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where this node's engine remembers which pools they were.</summary>
    public string EngineStateDirectory { get; init; } = DeviceOptions.DefaultStateDirectory;
}
