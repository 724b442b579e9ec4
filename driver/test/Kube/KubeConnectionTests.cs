using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Tests.Kube.Server;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>Who proves what to whom: service accounts, kubeconfigs, tokens and authorities that change.</summary>
public sealed class KubeConnectionTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("csithin-kube-").FullName;
    private readonly FakeTimeProvider _clock = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_pod_trusts_its_ca_follows_its_token_and_never_tells_it()
    {
        var authority = TestAuthority.Make("one");
        await using var server = await TestApiServer.StartAsync(authority.Issue());
        server.Tokens = new ConcurrentDictionary<string, bool> { ["first-token"] = true };
        Write("ca.crt", authority.Pem);
        Write("token", "first-token\n");
        Write("namespace", "storage");
        using var client = new KubeClient(InCluster(server), _clock);
        Assert.Empty((await client.ListAsync<KubeLease>(KubeSelection.All, default)).Items!);

        // Revoked before the file is looked at again: one failure makes it look.
        Write("token", "second-token");
        server.Tokens.Clear();
        server.Tokens["second-token"] = true;
        Assert.Empty((await client.ListAsync<KubeLease>(KubeSelection.All, default)).Items!);

        // Rotated with both valid: after ten seconds the new one is used.
        Write("token", "third-token");
        _clock.Advance(TimeSpan.FromSeconds(11));
        server.Tokens.Clear();
        server.Tokens["third-token"] = true;
        Assert.Empty((await client.ListAsync<KubeLease>(KubeSelection.All, default)).Items!);

        server.Tokens.Clear();
        var refused = await Assert.ThrowsAsync<KubeException>(() => client.ListAsync<KubeLease>(KubeSelection.All, default));
        Assert.Equal(KubeError.Unauthorized, refused.Error);
        Assert.DoesNotContain("third-token", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_ca_is_refused_with_the_reason_and_the_right_one_is_taken_up()
    {
        var (wrong, right) = (TestAuthority.Make("wrong"), TestAuthority.Make("right"));
        await using var server = await TestApiServer.StartAsync(right.Issue());
        Write("ca.crt", wrong.Pem);
        Write("token", "secret-token");
        using var client = new KubeClient(InCluster(server));
        var refused = await Assert.ThrowsAsync<KubeException>(() => client.GetAsync<KubeLease>(new("one", "system"), default));
        Assert.Equal(KubeError.Untrusted, refused.Error);
        Assert.Contains($"is not trusted by the CA in {_directory}/ca.crt", refused.Message, StringComparison.Ordinal);
        Assert.Empty(server.Rights);

        Write("ca.crt", right.Pem);
        Assert.Null(await client.FindAsync<KubeLease>(new("one", "system"), default));
        File.Delete(Path.Combine(_directory, "ca.crt"));
        Assert.Null(await client.FindAsync<KubeLease>(new("one", "system"), default)); // the connection is open
    }

    [Theory]
    [InlineData("expired", "not within its validity period|expired|NotTimeValid|certificate has expired")]
    [InlineData("othername", "is for another name")]
    public async Task A_certificate_that_is_over_or_for_another_is_refused(string kind, string reasons)
    {
        var authority = TestAuthority.Make("ca");
        await using var server = await TestApiServer.StartAsync(
            kind == "expired" ? authority.Issue(daysLeft: -1) : authority.Issue(IPAddress.Parse("10.9.8.7")));
        Write("ca.crt", authority.Pem);
        Write("token", "t");
        using var client = new KubeClient(InCluster(server));
        var refused = await Assert.ThrowsAsync<KubeException>(() => client.GetAsync<KubeLease>(new("one", "system"), default));
        Assert.Equal(KubeError.Untrusted, refused.Error);
        Assert.Matches(reasons, refused.Message);
    }

    [Fact]
    public async Task A_kubeconfig_with_a_client_certificate_works()
    {
        var authority = TestAuthority.Make("ca");
        await using var server = await TestApiServer.StartAsync(authority.Issue(), asksForCertificate: true);
        using var own = authority.Issue();
        Write("client.key", own.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        var path = Config(
            $"server: {server.Address}, certificate-authority-data: {Base64(authority.Pem)}",
            $"client-certificate-data: {Base64(own.ExportCertificatePem())}, client-key: client.key",
            "namespace: storage");
        using var connection = KubeConfigFile.Read(path, _clock);
        Assert.Equal("storage", connection.Namespace);
        using var client = new KubeClient(connection);
        Assert.Empty((await client.ListAsync<KubeLease>(KubeSelection.All, default)).Items!);
    }

    [Fact]
    public void The_context_asked_for_is_taken()
    {
        Write("other-token", "abc");
        var path = Config("server: 'https://one:6443'", "tokenFile: other-token");
        using var connection = KubeConfigFile.Read(path, _clock, "main");
        Assert.Equal((new Uri("https://one:6443"), "abc"), (connection.Server, connection.CurrentToken()));
        var missing = Assert.Throws<KubeException>(() => KubeConfigFile.Read(path, _clock, "absent"));
        Assert.Equal($"the kubeconfig {path} has no context 'absent'", missing.Message);
    }

    [Theory]
    [InlineData("server: https://x", "exec: {command: aws}", "has a program that fetches a token for user 'me'")]
    [InlineData("server: https://x", "auth-provider: {name: gcp}", "has a program that fetches a token for user 'me'")]
    [InlineData("server: https://x", "username: me, password: geheim", "has a user name and password for user 'me'")]
    [InlineData("server: https://x", "as: root, token: geheim", "lets user 'me' ask as another")]
    [InlineData("server: https://x, insecure-skip-tls-verify: true", "token: geheim", "says insecure-skip-tls-verify")]
    [InlineData("server: not-a-url", "token: geheim", "has no server for cluster 'here'")]
    [InlineData("server: https://x, certificate-authority-data: '%%'", "token: geheim", "certificate-authority-data that is not base64")]
    [InlineData("server: https://x, certificate-authority-data: aGFsbG8=", "token: geheim", "has a CA that is none")]
    [InlineData("server: https://x", "client-certificate-data: aGFsbG8=", "has a client certificate without its key")]
    [InlineData("server: https://x", "token: [geheim", "is not one, at line")]
    public void What_cannot_be_used_is_refused_with_a_sentence(string cluster, string user, string sentence)
    {
        var refused = Assert.Throws<KubeException>(() => KubeConfigFile.Read(Config(cluster, user), _clock));
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Outside_a_pod_that_is_said()
    {
        var none = Assert.Throws<KubeException>(() => Driver.Kube.Client.InCluster.Read(_ => null, _clock));
        Assert.Contains("this is not a pod", none.Message, StringComparison.Ordinal);
        var noToken = Assert.Throws<KubeException>(() => Driver.Kube.Client.InCluster.Read(_ => "443", _clock, _directory));
        Assert.Contains("automountServiceAccountToken", noToken.Message, StringComparison.Ordinal);
        Write("token", "x");
        var variables = new Dictionary<string, string?> { ["KUBERNETES_SERVICE_HOST"] = "fd00::1", ["KUBERNETES_SERVICE_PORT"] = "6443" };
        using var connection = Driver.Kube.Client.InCluster.Read(variables.GetValueOrDefault, _clock, _directory);
        Assert.Equal("https://[fd00::1]:6443/", connection.Server.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("zwei\nzeilen-geheim")]
    public void A_token_that_would_break_the_header_is_refused_unseen(string token)
    {
        Write("token", token);
        var refused = Assert.Throws<KubeException>(() => KubeToken.InFile(Path.Combine(_directory, "token"), _clock).Current());
        Assert.DoesNotContain("geheim", refused.ToString(), StringComparison.Ordinal);
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_directory, name), text);

    private KubeConnection InCluster(TestApiServer server)
    {
        var variables = new Dictionary<string, string?>
        {
            ["KUBERNETES_SERVICE_HOST"] = server.Address.Host,
            ["KUBERNETES_SERVICE_PORT"] = $"{server.Address.Port}",
        };
        return Driver.Kube.Client.InCluster.Read(variables.GetValueOrDefault, _clock, _directory);
    }

    private string Config(string cluster, string user, string context = "namespace: default")
    {
        Write("config", $$"""
            apiVersion: v1
            kind: Config
            current-context: main
            preferences: {}
            clusters:
            - name: here
              cluster: { {{cluster}} }
            users:
            - name: me
              user: { {{user}} }
            contexts:
            - name: main
              context: {cluster: here, user: me, {{context}}}
            """);
        return Path.Combine(_directory, "config");
    }
}
