using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CsiThin.EndToEnd.Chart;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>What kubelet makes of a pod's volumes before its containers start, as bash for the guest.</summary>
internal static class PodVolumes
{
    /// <summary>In every pod, though no chart says so.</summary>
    public const string ServiceAccount = "/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>
    /// The script that makes all volumes but claims, which must be in <see cref="GuestPod.Volumes"/> already; what ConfigMaps and Secrets
    /// hold comes from <paramref name="objects"/>.
    /// </summary>
    public static string Script(GuestPod pod, IReadOnlyList<JsonObject> objects, ClusterGuest cluster)
    {
        var script = new StringBuilder();
        var group = (int?)pod.Spec["securityContext"]?["fsGroup"] ?? 0;
        foreach (var volume in RenderedChart.Items(pod.Spec["volumes"]))
        {
            var name = (string)volume["name"]!;
            if (volume["persistentVolumeClaim"] is not null)
                continue;
            if (volume["hostPath"] is { } host)
            {
                pod.Volumes[name] = $"{ClusterGuest.Host}{host["path"]}";
                script.AppendLine((string?)host["type"] == "DirectoryOrCreate"
                    ? $"mkdir -p {pod.Volumes[name]}"
                    : $"[ -d {pod.Volumes[name]} ] # {host["type"]}");
                continue;
            }

            var folder = pod.Volumes[name] = $"{pod.Folder}/volumes/{name}";
            script.AppendLine(CultureInfo.InvariantCulture, $"mkdir -p {folder}; chgrp {group} {folder}; chmod 2777 {folder}");
            if (volume["configMap"] is { } map)
                Files(script, folder, Held(objects, "ConfigMap", map["name"]), isEncoded: false, map["defaultMode"], group);
            else if (volume["secret"] is { } secret)
                Files(script, folder, Held(objects, "Secret", secret["secretName"]), isEncoded: true, secret["defaultMode"], group);
        }

        script.AppendLine(CultureInfo.InvariantCulture, $"""
            mkdir -p {pod.Folder}/account
            cp {cluster.Directory.File("token")} {cluster.Directory.File("ca.crt")} {pod.Folder}/account
            echo -n {pod.Namespace} >{pod.Folder}/account/namespace
            chmod 644 {pod.Folder}/account/*
            """);
        return script.ToString();
    }

    private static JsonObject Held(IReadOnlyList<JsonObject> objects, string kind, JsonNode? name) =>
        (JsonObject)objects.Single(one => (string?)one["kind"] == kind && RenderedChart.NameOf(one) == (string?)name)["data"]!;

    private static void Files(StringBuilder script, string folder, JsonObject data, bool isEncoded, JsonNode? mode, int group)
    {
        foreach (var (name, value) in data)
        {
            var encoded = isEncoded ? (string)value! : Convert.ToBase64String(Encoding.UTF8.GetBytes((string)value!));
            var octal = Convert.ToString((int?)mode ?? 0b110_100_100, 8);
            script.AppendLine(
                CultureInfo.InvariantCulture,
                $"base64 -d <<<{encoded} >{folder}/{name}; chgrp {group} {folder}/{name}; chmod {octal} {folder}/{name}");
        }
    }
}
