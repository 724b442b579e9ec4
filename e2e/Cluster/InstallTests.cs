using System.Text.Json.Nodes;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.EndToEnd.Chart;
using CsiThin.EndToEnd.Documents;
using CsiThin.EndToEnd.Kube;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Cluster;

/// <summary>
/// The chart installed, upgraded and uninstalled by the real helm, with the commands of the documents, in an API server of ours (no other
/// can be had here). There are no nodes that run anything: what is looked at is what helm and kubectl leave in the server.
/// </summary>
public sealed class InstallTests : IAsyncLifetime, IDisposable
{
    private const string Namespace = "csi-thin";

    private readonly TempDirectory _directory = new();
    private OperatorShell _shell = null!;
    private TestApiServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestCluster.StartAsync(_directory.Path, "worker-1");
        _shell = new OperatorShell(_directory);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_command_of_the_readme_installs_every_object_of_the_chart()
    {
        var command = DocumentCommands.InFile("README.md", "## In a cluster").Single();
        var said = _shell.Type(command);
        Assert.Contains("STATUS: deployed", said, StringComparison.Ordinal);
        Assert.NotNull(Find("Namespace", null, Namespace));

        var options = command[command.IndexOf("--namespace", StringComparison.Ordinal)..].Replace("--create-namespace", "");
        var rendered = YamlJson.Read(_shell.Type($"helm template csi-thin charts/csi-thin {options}")).OfType<JsonObject>().ToList();
        Assert.True(rendered.Count > 20, $"only {rendered.Count} objects");
        Assert.All(rendered, one => AssertStored(one));

        var status = _shell.Type("helm status csi-thin --namespace csi-thin");
        Assert.Contains("STATUS: deployed", status, StringComparison.Ordinal);
        var notes = _shell.Type("helm get notes csi-thin --namespace csi-thin");
        Assert.Contains(notes.Trim(), said, StringComparison.Ordinal);
        Assert.Equal("", _shell.Type("helm get hooks csi-thin --namespace csi-thin").Trim()); // none: nothing runs beside the objects
        Assert.Contains("No resources found", _shell.Type("kubectl get thinpools -o wide"), StringComparison.Ordinal);
        foreach (var typed in DocumentCommands.InText(notes, "  ").Where(one => one.StartsWith("kubectl get", StringComparison.Ordinal)))
            _shell.Type(typed);
    }

    [Fact]
    public void An_upgrade_brings_what_is_declared_and_keeps_the_certificates_until_they_are_deleted()
    {
        _shell.Type("helm install csi-thin charts/csi-thin --namespace csi-thin --create-namespace");
        var notes = _shell.Type("helm get notes csi-thin --namespace csi-thin");
        var certificates = Certificates();
        Assert.Equal(2, certificates.Distinct().Count());

        // The first thing that the notes say where no pool is declared.
        var upgrade = DocumentCommands.InText(notes, "  ")[0].Replace("CHART", "charts/csi-thin", StringComparison.Ordinal);
        Assert.Contains("STATUS: deployed", _shell.Type(upgrade), StringComparison.Ordinal);
        Assert.Equal(certificates, Certificates());
        var pools = (string?)Find("ConfigMap", Namespace, "csi-thin-pools")?["data"]?["pools.yaml"];
        Assert.Contains("name: fast", pools, StringComparison.Ordinal);

        _shell.Type("kubectl delete secret csi-thin-node-tls --namespace csi-thin");
        _shell.Type("helm upgrade csi-thin charts/csi-thin --namespace csi-thin --reuse-values");
        Assert.Empty(certificates.Intersect(Certificates()));
        Assert.Equal(2, Certificates().Distinct().Count());
    }

    [Fact]
    public void Uninstalling_leaves_the_definition_the_pools_and_the_namespace_and_they_are_found_again()
    {
        _shell.Type(DocumentCommands.InFile("README.md", "## In a cluster").Single());
        _server.Objects.Create(ResourceOf("ThinPool"), new ApiKey("csithin.io", "thinpools", null, "worker-1.fast"), new JsonObject
        {
            ["spec"] = new JsonObject { ["nodeName"] = "worker-1", ["poolName"] = "fast" },
        });
        _shell.Type(DocumentCommands.InFile("charts/docs/install.md", "## Uninstall")[0]);

        string[] left = ["CustomResourceDefinition thinpools.csithin.io", "Namespace csi-thin", "Node worker-1", "ThinPool worker-1.fast"];
        Assert.Equal(left, All().Order(StringComparer.Ordinal));

        // The definition is taken over by the next release of the same name.
        _shell.Type(DocumentCommands.InFile("README.md", "## In a cluster").Single());
        Assert.Contains("worker-1.fast", _shell.Type("kubectl get thinpools"), StringComparison.Ordinal);
    }

    private static ApiResource ResourceOf(string kind) => ApiResource.Known.Single(one => one.Kind == kind);

    private JsonObject? Find(string kind, string? namespaceName, string name)
    {
        var resource = ResourceOf(kind);
        return _server.Store.Find(new ApiKey(resource.Group, resource.Plural, namespaceName, name));
    }

    private IEnumerable<string> All() =>
        from resource in ApiResource.Known
        from one in _server.Store.List(resource, null).Objects
        select $"{resource.Kind} {RenderedChart.NameOf(one)}";

    private List<string> Certificates() =>
        [.. from name in new[] { "controller", "node" } select Find("Secret", Namespace, $"csi-thin-{name}-tls")!["data"]!.ToJsonString()];

    private void AssertStored(JsonObject rendered)
    {
        var kind = (string)rendered["kind"]!;
        var name = RenderedChart.NameOf(rendered);
        var stored = Find(kind, ResourceOf(kind).IsNamespaced ? Namespace : null, name);
        Assert.True(stored is not null, $"{kind} {name} is not in the server");
        if (kind == "Secret")
            rendered["data"] = new JsonObject(); // new keys each time
        Assert.True(Holds(stored, rendered), $"{kind} {name} is stored as\n{stored}\nand rendered as\n{rendered}");
    }

    // The server and helm add fields of their own.
    private static bool Holds(JsonNode? stored, JsonNode? rendered) => (stored, rendered) switch
    {
        (_, null) => true,
        (JsonObject there, JsonObject wanted) => wanted.All(pair => Holds(there[pair.Key], pair.Value)),
        (JsonArray there, JsonArray wanted) => there.Count == wanted.Count && wanted.Zip(there).All(pair => Holds(pair.Second, pair.First)),
        _ => JsonNode.DeepEquals(stored, rendered),
    };
}
