using System.Net;
using Google.Protobuf;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

public sealed class RawRequestTests
{
    private const string Say = "/csithin.test.Echo/Say";

    [Theory]
    [InlineData("application/grpc")]
    [InlineData("application/grpc+proto")]
    [InlineData("application/grpc;charset=x")]
    public async Task Content_types_of_grpc_are_served(string contentType)
    {
        await using var host = await EchoHost.StartAsync();
        using var http = new RawClient(host);
        var message = new Note { Text = "raw" }.ToByteArray();

        var answer = await http.SendAsync(HttpMethod.Post, Say, RawClient.Frame(message), contentType);

        Assert.Equal(HttpStatusCode.OK, answer.HttpStatus);
        Assert.Equal("0", answer.Status);
        Assert.False(answer.StatusIsInHeaders);
        Assert.Equal(RawClient.Frame(message), answer.Content);
    }

    [Theory]
    [InlineData("application/json", Say)]
    [InlineData("application/grpcx", Say)]
    [InlineData(null, Say)]
    [InlineData("text/plain", "/no.Service/Method")]
    public async Task Other_content_types_get_415(string? contentType, string path)
    {
        await using var host = await EchoHost.StartAsync();
        using var http = new RawClient(host);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await http.SendAsync(HttpMethod.Post, path, [], contentType)).HttpStatus);
    }

    [Fact]
    public async Task Only_post_is_allowed()
    {
        await using var host = await EchoHost.StartAsync();
        using var http = new RawClient(host);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await http.SendAsync(HttpMethod.Put, Say, [], "application/grpc")).HttpStatus);
    }

    [Theory]
    [InlineData("/csithin.test.Echo/Shout", "there is no method '/csithin.test.Echo/Shout' here")]
    [InlineData("/csithin.test.echo/Say", "there is no method '/csithin.test.echo/Say' here")]
    [InlineData("/other.Service/Say", "there is no service 'other.Service' here")]
    public async Task Unknown_names_are_unimplemented_in_headers_alone(string path, string message)
    {
        await using var host = await EchoHost.StartAsync();
        using var http = new RawClient(host);

        var answer = await http.PostAsync(path, RawClient.Frame([]));

        Assert.Equal((HttpStatusCode.OK, "12", true), (answer.HttpStatus, answer.Status, answer.StatusIsInHeaders));
        Assert.Equal(message, answer.Message);
    }

    [Fact]
    public async Task A_compressed_message_is_unimplemented_and_the_answer_says_what_is_not()
    {
        await using var host = await EchoHost.StartAsync();
        using var http = new RawClient(host);

        var answer = await http.PostAsync(Say, RawClient.Frame([1, 2], flag: 1), ("grpc-encoding", "gzip"));

        Assert.Equal("12", answer.Status);
        Assert.Equal("identity", answer.Headers["grpc-accept-encoding"]);
        Assert.Equal("0", (await http.PostAsync(Say, RawClient.Frame([]), ("grpc-encoding", "gzip"))).Status);
    }

    [Theory]
    [InlineData("1S0")]
    [InlineData("S")]
    [InlineData("123456789m")]
    [InlineData("-1S")]
    [InlineData("5x")]
    public async Task A_malformed_timeout_is_an_error_that_quotes_it(string timeout)
    {
        await using var host = await EchoHost.StartAsync();
        using var http = new RawClient(host);

        var answer = await http.PostAsync(Say, RawClient.Frame([]), ("grpc-timeout", timeout));

        Assert.Equal("13", answer.Status);
        Assert.Contains($"'{timeout}'", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Broken_base64_in_metadata_is_an_error_that_names_the_header()
    {
        await using var host = await EchoHost.StartAsync();
        using var http = new RawClient(host);

        var answer = await http.PostAsync(Say, RawClient.Frame([]), ("x-a-bin", "!!!"));

        Assert.Equal("13", answer.Status);
        Assert.Contains("'x-a-bin'", answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("0000000005AA")]
    [InlineData("0100000000")]
    [InlineData("0700000000")]
    [InlineData("00000000020AFF")]
    [InlineData("00000000000000000000")]
    public async Task A_body_that_is_not_one_message_is_an_internal_error(string hexBody)
    {
        await using var host = await EchoHost.StartAsync();
        using var http = new RawClient(host);

        var answer = await http.PostAsync(Say, Convert.FromHexString(hexBody));

        Assert.Equal("13", answer.Status);
        Assert.NotEqual("", answer.Message);
        Assert.Empty(host.Log.Lines);
    }
}
