using System.Text.Json;
using CsiThin.Core.Device.Files;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>The labels of this node: as given, or as the cluster has them, or as it had them when it was last asked.</summary>
internal sealed record NodeLabels(string Node, ClusterOptions? Cluster, IReadOnlyList<KeyValuePair<string, string>> Given)
{
    private const string FileName = "node-labels.json";

    /// <summary>
    /// The labels. With <paramref name="stateDirectory"/> they are kept there, so that an engine starts without the API server from the
    /// second time on; without, or the first time, an API server that cannot be asked is <see cref="KubeException"/>.
    /// </summary>
    public async Task<IReadOnlyDictionary<string, string>> FindAsync(string? stateDirectory, CancellationToken cancellation)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Cluster is not null)
        {
            foreach (var (key, value) in await AskAsync(stateDirectory, cancellation).ConfigureAwait(false))
                labels[key] = value;
        }

        foreach (var (key, value) in Given)
            labels[key] = value;
        return labels;
    }

    private async Task<IReadOnlyDictionary<string, string>> AskAsync(string? stateDirectory, CancellationToken cancellation)
    {
        var path = stateDirectory is null ? null : Path.Combine(stateDirectory, FileName);
        try
        {
            using var client = ClusterPart.Connect(Cluster!).Client;
            var found = await client.GetAsync<KubeNode>(new ObjectName(Node), cancellation).ConfigureAwait(false);
            var labels = found.Metadata.Labels ?? new Dictionary<string, string>();
            if (path is not null)
                Keep(path, labels);
            return labels;
        }
        catch (KubeException) when (path is not null && File.Exists(path))
        {
            var kept = await File.ReadAllTextAsync(path, cancellation).ConfigureAwait(false);
            return JsonSerializer.Deserialize<Dictionary<string, string>>(kept)!;
        }
    }

    private static void Keep(string path, IReadOnlyDictionary<string, string> labels)
    {
        OwnDirectory.MakeFor(path);
        DurableFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(labels));
    }
}
