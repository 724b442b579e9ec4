using System.Text.Json.Nodes;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Chart;

/// <summary>
/// What an upgrade finds in the cluster, which is an API server of ours: the certificates that an installation made. helm looks and renders;
/// that it applies what it has rendered is helm's own business.
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
            Create(secret);
        var upgraded = Render();
        Assert.Equal(Secrets(installed).Select(Data), Secrets(upgraded).Select(Data));

        _server.Objects.Delete(Resource, Key("csi-thin-node-tls"), null);
        var renewed = Secrets(Render()).Select(Data).ToList();
        Assert.Equal(2, renewed.Intersect(renewed).Count());
        Assert.Empty(renewed.Intersect(Secrets(installed).Select(Data)));
    }

    private static ApiResource Resource => ApiResource.Known.Single(one => one.Kind == "Secret");

    private static ApiKey Key(string name) => new("", "secrets", "storage", name);

    private static IEnumerable<JsonObject> Secrets(RenderedChart chart) =>
        chart.OfKind("Secret").OrderBy(RenderedChart.NameOf, StringComparer.Ordinal);

    private static string Data(JsonObject secret) => secret["data"]!.ToJsonString();

    private RenderedChart Render() => Chart.Render("--dry-run=server", "--kubeconfig", _directory.File("config"));

    private void Create(JsonObject secret) => _server.Objects.Create(Resource, Key(RenderedChart.NameOf(secret)), (JsonObject)secret.DeepClone());
}
