namespace CsiThin.Driver.Node;

/// <summary>Where the node finds and keeps things.</summary>
/// <param name="KubeletDirectory">The folder in which every staging and target path must lie.</param>
/// <param name="StateDirectory">The node's own memory; on a disk, or it does not survive a reboot.</param>
internal sealed record NodeOptions(string KubeletDirectory, string StateDirectory)
{
    /// <summary>Where <see cref="StateDirectory"/> is unless something else is said.</summary>
    public const string DefaultStateDirectory = "/var/lib/csithin/node";

    /// <summary>
    /// An expansion on the node grows the volume as well, because no controller has done so before: the resizer beside a node cannot reach
    /// the volumes of the others.
    /// </summary>
    public bool GrowsVolumes { get; init; }
}
