using System.Globalization;
using System.Text.Json.Nodes;
using CsiThin.EndToEnd.Chart;
using CsiThin.EndToEnd.Kernel;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>A pod that <see cref="LittleKubelet"/> runs: its address, its volumes, its containers' files.</summary>
internal sealed record GuestPod(string Namespace, string Name, JsonObject Spec, int Number)
{
    /// <summary>Of each volume's name the folder in the guest.</summary>
    public Dictionary<string, string> Volumes { get; } = [];

    /// <summary>Of a pod in the host's network the loopback address, at which everybody in the guest finds it.</summary>
    public string Address => IsOnHostNetwork ? "127.0.0.1" : ClusterGuest.Address(Number);

    /// <summary>Whether it has no network of its own.</summary>
    public bool IsOnHostNetwork => (bool?)Spec["hostNetwork"] == true;

    /// <summary>Where its files are in the guest.</summary>
    public string Folder => $"/mnt/pods/{Name}";

    /// <summary>The name under which a container's output and process are in /run.</summary>
    public string RunName(string container) => $"{Name}.{container}";

    /// <summary>A container by its name.</summary>
    public JsonObject Container(string name) => RenderedChart.Containers(Spec).Single(one => (string?)one["name"] == name);

    /// <summary>The socket that a sidecar is told, where it is in the guest.</summary>
    public string SocketOf(string sidecar)
    {
        var container = Container(sidecar);
        return PathOf(container, RenderedChart.Argument(container, "csi-address")!);
    }

    /// <summary>Where a path of a container is in the guest; it must be in one of its volumes.</summary>
    public string PathOf(JsonObject container, string path)
    {
        var mount = RenderedChart.Items(container["volumeMounts"])
            .First(one => path.StartsWith($"{one["mountPath"]}/", StringComparison.Ordinal));
        return Volumes[(string)mount["name"]!] + path[((string)mount["mountPath"]!).Length..];
    }

    /// <summary>The environment that the container's own variables add, and the references to them in an argument resolved.</summary>
    public IEnumerable<(string Name, string Value)> Environment(JsonObject container) =>
        from variable in RenderedChart.Items(container["env"])
        select ((string)variable["name"]!, (string?)variable["valueFrom"]?["fieldRef"]?["fieldPath"] switch
        {
            null => (string)variable["value"]!,
            "spec.nodeName" => ClusterGuest.NodeName,
            "status.podIP" => Address,
            "metadata.name" => Name,
            "metadata.namespace" => Namespace,
            var other => throw new InvalidOperationException($"what is {other}?"),
        });

    /// <summary>The words that start a container; what has no command has the image's.</summary>
    public IEnumerable<string> Words(JsonObject container)
    {
        var variables = Environment(container).ToList();
        var command = container["command"] is null ? ["/usr/bin/csi-thin"] : RenderedChart.Texts(container["command"]);
        return command.Concat(RenderedChart.Texts(container["args"])).Select(word => variables.Aggregate(
            word, (text, one) => text.Replace($"$({one.Name})", one.Value, StringComparison.Ordinal)));
    }

    /// <summary>What puts a container's process under the user and the capabilities it is given; nothing where it may all.</summary>
    public string Privileges(JsonObject container)
    {
        var (own, pods) = (container["securityContext"], Spec["securityContext"]);
        if ((bool?)own?["privileged"] == true || own is null)
            return "";
        var user = (int?)own["runAsUser"] ?? (int?)pods?["runAsUser"] ?? 0;
        var group = (int?)own["runAsGroup"] ?? (int?)pods?["runAsGroup"] ?? 0;
        var added = RenderedChart.Texts(own["capabilities"]?["add"]).Select(one => $",+{one.ToLowerInvariant()}");
        return string.Create(CultureInfo.InvariantCulture, $"setpriv --reuid {user} --regid {group} --clear-groups --no-new-privs")
            + $" --bounding-set=-all{string.Concat(added)} --inh-caps=-all";
    }

    /// <summary>Runs a command in a container that runs; returns its exit code and what it printed.</summary>
    public (int ExitCode, string Output) Exec(GuestKernel kernel, string container, string command) =>
        kernel.TryRun($"nsenter --target $(cat /run/{RunName(container)}.pid) --mount --net --root --wd=/ {command}");
}
