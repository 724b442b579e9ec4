using System.Globalization;
using System.Text.Json.Nodes;
using CsiThin.Core.Tests.House;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.EndToEnd.Chart;
using CsiThin.EndToEnd.Kernel;
using CsiThin.EndToEnd.Kube;
using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>
/// A cluster of one machine in a guest kernel: our API server for tests where pods look for one, the operator's shell with the real helm
/// and kubectl, and the machine's own folders under <see cref="Host"/>, for the guest's root is the file system of whoever runs the tests.
/// </summary>
internal sealed class ClusterGuest : IDisposable
{
    /// <summary>The one node.</summary>
    public const string NodeName = "worker-1";

    /// <summary>Where pods find the API server, as the environment of each says.</summary>
    public const string ServiceAddress = "10.96.0.1";

    /// <summary>What a host path of a pod begins with in the guest.</summary>
    public const string Host = "/mnt/host";

    private const int MemoryMiB = 1536;

    /// <summary>Boots it with a blank disk that the machine knows as <paramref name="diskId"/>, and starts the API server.</summary>
    public ClusterGuest(string diskId, long diskBytes)
    {
        Directory = new TempDirectory();
        var disk = Directory.SparseFile("disk", diskBytes);
        Kernel = GuestKernel.Boot(Directory, new GuestOptions { Disks = [disk], MemoryMiB = MemoryMiB });
        // The link is udev's work, which is not in the guest; kubelet shares its folder with the pods that mount into it.
        Kernel.Run($$"""
            insmod $modules/fs/overlayfs/overlay.ko
            insmod $modules/drivers/net/veth.ko
            mkdir -p /run/home /run/netns /dev/disk/by-id {{Host}}/{dev,run,lib/modules,var/lib/kubelet}
            ln -s ../../ubda /dev/disk/by-id/{{diskId}}
            mount --rbind /dev {{Host}}/dev
            mount --bind $guest_module_files {{Host}}/lib/modules
            mount --bind {{Host}}/var/lib/kubelet {{Host}}/var/lib/kubelet
            mount --make-shared {{Host}}/var/lib/kubelet
            ip addr add {{ServiceAddress}}/32 dev lo
            echo 1 >/proc/sys/net/ipv4/ip_forward
            start api dotnet {{ApiServerProgram.Assembly}} {{ServiceAddress}}:443 {{Directory.Path}} {{NodeName}}
            await 60 holds /run/api.out ready
            """);
    }

    /// <summary>The guest.</summary>
    public GuestKernel Kernel { get; }

    /// <summary>The test's, on the machine that runs the tests and in the guest; the API server's "ca.crt" and "token" are in it.</summary>
    public TempDirectory Directory { get; }

    /// <summary>Types a command in the repository's folder, as who may do everything in the cluster; returns what it printed.</summary>
    public string Type(string command) => Kernel.Run($"""
        cd {SourceTree.Root}
        export HOME=/run/home KUBECONFIG={Directory.File("config")} PATH={Chart.Chart.Tools}/bin:$PATH
        {command}
        """);

    /// <summary>
    /// The objects of some kinds, of a namespace where they have one. Who is played asks the server itself: kubectl takes a second in here.
    /// </summary>
    public IReadOnlyList<JsonObject> List(string namespaceName, params string[] kinds)
    {
        var said = Call(kinds.Select(kind => $"{Path(kind, namespaceName)}"));
        return [.. said.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(list => RenderedChart.Items(JsonNode.Parse(list)!["items"]))];
    }

    /// <summary>Makes an object.</summary>
    public void Create(JsonObject one) => Call([
        $"-d {GuestProgram.Quote(one.ToJsonString())} {Path((string)one["kind"]!, (string?)one["metadata"]!["namespace"])}"]);

    /// <summary>Changes an object that is there.</summary>
    public void Merge(JsonObject one, JsonObject patch) => Call([
        $"-X PATCH -H 'Content-Type: application/merge-patch+json' -d {GuestProgram.Quote(patch.ToJsonString())} {Path(one)}"]);

    /// <summary>Deletes an object that is there.</summary>
    public void Delete(JsonObject one) => Call([$"-X DELETE {Path(one)}"]);

    private static string Path(JsonObject one) =>
        $"{Path((string)one["kind"]!, (string?)one["metadata"]!["namespace"])}/{RenderedChart.NameOf(one)}";

    private static string Path(string kind, string? namespaceName)
    {
        var resource = ApiResource.Known.Single(one => one.Kind == kind);
        var root = resource.Group.Length == 0 ? "api" : "apis";
        return $"https://{ServiceAddress}/{root}/{resource.ApiVersion}/" +
            $"{(resource.IsNamespaced ? $"namespaces/{namespaceName}/" : "")}{resource.Plural}";
    }

    private string Call(IEnumerable<string> requests) => Kernel.Run(string.Join('\n', requests.Select(request =>
        $"curl -sSf --cacert {Directory.File("ca.crt")} -H 'Authorization: Bearer {TestCluster.Token}' {request}; echo")));

    /// <summary>The address of the pod of that number.</summary>
    public static string Address(int number) => string.Create(CultureInfo.InvariantCulture, $"10.244.{number}.2");

    /// <inheritdoc/>
    public void Dispose()
    {
        Kernel.Dispose();
        Directory.Dispose();
    }
}
