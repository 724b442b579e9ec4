using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CsiThin.Driver.Tests.Kube;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Kube;

/// <summary>An API server of ours with one node, and the kubeconfig of a client that it knows by a token.</summary>
internal static class TestCluster
{
    /// <summary>The one token it takes.</summary>
    public const string Token = "the-token";

    /// <summary>Starts it with node <paramref name="node"/>; the kubeconfig is the directory's file "config".</summary>
    public static async Task<TestApiServer> StartAsync(TempDirectory directory, string node)
    {
        var authority = TestAuthority.Make("cluster");
        var server = await TestApiServer.StartAsync(authority.Issue());
        server.Tokens = new ConcurrentDictionary<string, bool> { [Token] = true };
        server.Objects.Create(
            ApiResource.Known[0], new ApiKey("", "nodes", null, node), new JsonObject { ["metadata"] = new JsonObject() });
        File.WriteAllText(directory.File("ca.crt"), authority.Pem);
        File.WriteAllText(directory.File("token"), Token);
        File.WriteAllText(directory.File("config"), $$$"""
            {apiVersion: v1, kind: Config, current-context: c,
             clusters: [{name: c, cluster: {server: "{{{server.Address}}}", certificate-authority: ca.crt}}],
             users: [{name: u, user: {tokenFile: {{{directory.File("token")}}}}}],
             contexts: [{name: c, context: {cluster: c, user: u}}]}
            """);
        return server;
    }
}
