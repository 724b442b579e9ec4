using CsiThin.Core.Tests.House;
using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>
/// A shell in the repository's folder with the real helm and kubectl on its path. The directory is its home, and has the kubeconfig.
/// </summary>
internal sealed class OperatorShell(TempDirectory directory)
{
    /// <summary>Types a command, which must succeed; returns what it printed.</summary>
    public string Type(string command) => Tool.Run("env", Words(command));

    /// <summary>Types a command; returns its exit code and what it printed.</summary>
    public (int ExitCode, string Output) TryType(string command) => Tool.TryRun("env", Words(command));

    private string[] Words(string command) =>
    [
        "-C", SourceTree.Root, $"HOME={directory.Path}", $"KUBECONFIG={directory.File("config")}",
        $"PATH={Chart.Chart.Tools}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "bash", "-ec", command,
    ];
}
