using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CsiThin.EndToEnd.Chart;
using CsiThin.EndToEnd.Kernel;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>
/// As much of a kubelet and its runtime as the chart's own containers and the examples' need: a container is the machine's programs and the
/// driver's under a root of its own (overlayfs, read-only where it says so), in the pod's network, with the pod's volumes, the environment,
/// the user and the capabilities that the pod gives it. Of containers of others, whose images cannot be had here, none is started.
/// </summary>
internal sealed class LittleKubelet(ClusterGuest cluster)
{
    private const int ReadyLimitSeconds = 90;
    private int _pods;

    /// <summary>A pod that is not running yet.</summary>
    public GuestPod Plan(string namespaceName, string name, JsonNode spec) =>
        new(namespaceName, name, (JsonObject)spec, Interlocked.Increment(ref _pods));

    /// <summary>Starts the pod's containers, those that run before the others first, and returns at once.</summary>
    public void Start(GuestPod pod, IReadOnlyList<JsonObject> objects, Func<JsonObject, bool> isOurs)
    {
        var script = new StringBuilder(PodVolumes.Script(pod, objects, cluster));
        if (!pod.IsOnHostNetwork)
            script.AppendLine(Network(pod));
        foreach (var container in RenderedChart.Containers(pod.Spec).Where(isOurs))
        {
            var isFirst = RenderedChart.Items(pod.Spec["initContainers"]).Contains(container);
            var name = (string)container["name"]!;
            var inNetwork = pod.IsOnHostNetwork ? "" : $"nsenter --net=/run/netns/{pod.Name} ";
            var propagation = RenderedChart.Items(container["volumeMounts"])
                .Any(one => (string?)one["mountPropagation"] == "Bidirectional") ? "unchanged" : "slave";
            var background = isFirst ? "" : $"start {pod.RunName(name)} ";
            script.AppendLine(CultureInfo.InvariantCulture, $"""
                mkdir -p {pod.Folder}/{name}
                cat >{pod.Folder}/{name}/start <<'END-OF-START'
                {Root(pod, container)}
                END-OF-START
                {background}{inNetwork}unshare --mount --propagation {propagation} bash -e {pod.Folder}/{name}/start
                """);
        }

        cluster.Kernel.Run(script.ToString());
    }

    /// <summary>Waits until the containers' probes are content; <paramref name="probe"/> asks a sidecar.</summary>
    public void WaitReady(GuestPod pod, Action<string> probe)
    {
        foreach (var container in RenderedChart.Containers(pod.Spec))
        {
            foreach (var kind in new[] { "startupProbe", "livenessProbe", "readinessProbe" })
            {
                if (container[kind]?["httpGet"] is not { } get)
                    continue;
                var (owner, port) = PortOf(pod, container, get["port"]!.ToString());
                if (owner != container)
                {
                    probe((string)owner["name"]!);
                    continue;
                }

                cluster.Kernel.Run($$"""
                    await {{ReadyLimitSeconds}} curl -sf http://{{pod.Address}}:{{port}}{{get["path"]}} || {
                        cat /run/{{pod.RunName((string)container["name"]!)}}.{out,err}; exit 1; }
                    """);
            }
        }
    }

    /// <summary>Ends a container at once: its first process and whatever else runs in its mounts.</summary>
    public void Stop(GuestPod pod, string container) => cluster.Kernel.Run($$"""
        read -r first </run/{{pod.RunName(container)}}.pid
        for process in /proc/[0-9]*; do
            [ ! $process/ns/mnt -ef /proc/$first/ns/mnt ] || inside+=(${process#/proc/})
        done
        [ ${#inside[@]} = 0 ] || kill -KILL "${inside[@]}"
        for process in "${inside[@]}"; do await 60 gone $process; done
        """);

    private static (JsonObject Container, string Port) PortOf(GuestPod pod, JsonObject container, string asked)
    {
        var named = RenderedChart.Items(container["ports"]).FirstOrDefault(one => (string?)one["name"] == asked);
        if (named is not null)
            return (container, named["containerPort"]!.ToString());
        return (RenderedChart.Containers(pod.Spec).Single(
            one => RenderedChart.Items(one["ports"]).Any(port => port["containerPort"]!.ToString() == asked)), asked);
    }

    private static string Network(GuestPod pod) => string.Create(CultureInfo.InvariantCulture, $"""
        ip netns add {pod.Name}
        ip link add pod{pod.Number} type veth peer name eth0 netns {pod.Name}
        ip addr add 10.244.{pod.Number}.1/24 dev pod{pod.Number}
        ip link set pod{pod.Number} up
        ip -n {pod.Name} addr add {pod.Address}/24 dev eth0
        ip -n {pod.Name} link set eth0 up
        ip -n {pod.Name} link set lo up
        ip -n {pod.Name} route add default via 10.244.{pod.Number}.1
        """);

    // The script of a container's first process, in a mount namespace of its own.
    private static string Root(GuestPod pod, JsonObject container)
    {
        var folder = $"{pod.Folder}/{container["name"]}";
        var program = GuestProgram.Published is { } published ? Path.GetDirectoryName(published)! : AppContext.BaseDirectory;
        var run = GuestProgram.Published is null ? "exec dotnet /usr/lib/csi-thin/csi-thin.dll" : "exec /usr/lib/csi-thin/csi-thin";
        var script = new StringBuilder($$"""
            mkdir -p {{folder}}/{upper,work,root}
            mount -t overlay overlay -o lowerdir=/,upperdir={{folder}}/upper,workdir={{folder}}/work {{folder}}/root
            cd {{folder}}/root
            mkdir -p usr/lib/csi-thin
            printf '#!/bin/sh\n{{run}} "$@"\n' >usr/bin/csi-thin
            chmod 755 usr/bin/csi-thin
            mount --bind {{program}} usr/lib/csi-thin
            mount -t tmpfs -o mode=755 tmp run
            mount -t tmpfs -o mode=755 tmp dev
            for name in null zero urandom; do touch dev/$name; mount --bind /dev/$name dev/$name; done
            mount --rbind /proc proc
            mount --rbind /sys sys
            mkdir -p .{{PodVolumes.ServiceAccount}}
            mount --bind {{pod.Folder}}/account .{{PodVolumes.ServiceAccount}}

            """);
        foreach (var mount in RenderedChart.Items(container["volumeMounts"]))
        {
            script.AppendLine(CultureInfo.InvariantCulture, $"mkdir -p .{mount["mountPath"]}");
            script.AppendLine(CultureInfo.InvariantCulture, $"mount --rbind {pod.Volumes[(string)mount["name"]!]} .{mount["mountPath"]}");
            if ((bool?)mount["readOnly"] == true)
                script.AppendLine(CultureInfo.InvariantCulture, $"mount -o remount,bind,ro .{mount["mountPath"]}");
        }

        if ((bool?)container["securityContext"]?["readOnlyRootFilesystem"] == true)
            script.AppendLine("mount -o remount,ro run\nmount -o remount,ro .");
        // No HOME: not every runtime makes one up for a user whom the image does not know.
        (string Name, string Value)[] variables =
        [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("DOTNET_EnableDiagnostics", "0"),
            ("KUBERNETES_SERVICE_HOST", ClusterGuest.ServiceAddress), ("KUBERNETES_SERVICE_PORT", "443"), .. pod.Environment(container),
        ];
        var environment = string.Join(' ', variables.Select(one => GuestProgram.Quote($"{one.Name}={one.Value}")));
        var words = string.Join(' ', pod.Words(container).Select(GuestProgram.Quote));
        return $"{script}exec chroot . env -i {environment} {pod.Privileges(container)} {words}";
    }
}
