using System.Text.Json.Nodes;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>
/// What an upgrade finds in the cluster, which is an API server of ours: the certificates that the installation made. helm looks for them
/// and renders; that it then applies what it has rendered is its own business.
/// </summary>
public sealed class UpgradeTests : IAsyncLifetime, IDisposable
{
    private readonly TempDirectory _directory = new();
    private TestApiServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        File.WriteAllText(_directory.File("config"), $$$"""
            {apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: "{{{_server.Address}}}"}}],
             users: [], contexts: [{name: c, context: {cluster: c, user: ""}}]}
            """);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Certificates_are_kept_over_upgrades_and_made_anew_where_one_is_gone()
    {
        var installed = Render();
        foreach (var secret in Secrets(installed))
            _server.Objects.Create(Resource, Key(RenderedChart.NameOf(secret)), (JsonObject)secret.DeepClone());
        Assert.Equal(Secrets(installed).Select(Data), Secrets(Render("--is-upgrade")).Select(Data));

        _server.Objects.Delete(Resource, Key("csi-thin-node-tls"), null);
        var renewed = Secrets(Render("--is-upgrade")).Select(Data).ToList();
        Assert.Equal(2, renewed.Count);
        Assert.Empty(renewed.Intersect(Secrets(installed).Select(Data)));
    }

    private static ApiResource Resource { get; } = ApiResource.Known.Single(one => one.Kind == "Secret");

    private static ApiKey Key(string name) => new("", "secrets", "storage", name);

    private static List<JsonObject> Secrets(RenderedChart chart) =>
        [.. chart.OfKind("Secret").OrderBy(RenderedChart.NameOf, StringComparer.Ordinal)];

    private static string Data(JsonObject secret) => secret["data"]!.ToJsonString();

    // The server describes no types: ObjectTypeTests hold the objects against those of the API.
    private RenderedChart Render(params string[] arguments) =>
        Chart.Render(["--dry-run=server", "--disable-openapi-validation", "--kubeconfig", _directory.File("config"), .. arguments]);
}
