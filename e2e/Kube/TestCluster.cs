using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using CsiThin.Driver.Tests.Kube;
using CsiThin.Driver.Tests.Kube.Server;

namespace CsiThin.EndToEnd.Kube;

/// <summary>An API server of ours with one node, and the kubeconfig of a client that it knows by a token.</summary>
internal static class TestCluster
{
    /// <summary>The one token it takes.</summary>
    public const string Token = "the-token";

    /// <summary>
    /// Starts it with node <paramref name="node"/>, at the loopback address and any port where none is given. In
    /// <paramref name="directory"/> are its "ca.crt", the "token", and the kubeconfig, "config".
    /// </summary>
    public static async Task<TestApiServer> StartAsync(string directory, string node, IPEndPoint? at = null)
    {
        var authority = TestAuthority.Make("cluster");
        var server = await TestApiServer.StartAsync(authority.Issue(at?.Address), port: at?.Port ?? 0, address: at?.Address);
        server.Tokens = new ConcurrentDictionary<string, bool> { [Token] = true };
        server.Objects.Create(
            ApiResource.Known[0], new ApiKey("", "nodes", null, node), new JsonObject { ["metadata"] = new JsonObject() });
        File.WriteAllText(Path.Combine(directory, "ca.crt"), authority.Pem);
        File.WriteAllText(Path.Combine(directory, "token"), Token);
        File.WriteAllText(Path.Combine(directory, "config"), $$$"""
            {apiVersion: v1, kind: Config, current-context: c,
             clusters: [{name: c, cluster: {server: "{{{server.Address}}}", certificate-authority: ca.crt}}],
             users: [{name: u, user: {tokenFile: {{{Path.Combine(directory, "token")}}}}}],
             contexts: [{name: c, context: {cluster: c, user: u}}]}
            """);
        return server;
    }
}
