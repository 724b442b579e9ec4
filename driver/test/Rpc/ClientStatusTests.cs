using System.Net;
using CsiThin.Driver.Rpc.Client;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

/// <summary>What the client makes of answers that a proper server does not give.</summary>
public sealed class ClientStatusTests
{
    [Theory]
    [InlineData(400, StatusCode.Internal)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unimplemented)]
    [InlineData(418, StatusCode.Unknown)]
    [InlineData(429, StatusCode.Unavailable)]
    [InlineData(500, StatusCode.Unknown)]
    [InlineData(502, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(504, StatusCode.Unavailable)]
    public async Task Http_errors_become_the_statuses_of_the_specifications_table(int http, StatusCode expected)
    {
        var error = await CallAsync(new HttpResponseMessage((HttpStatusCode)http));

        Assert.Equal(expected, error.StatusCode);
        Assert.Contains(http.ToString(System.Globalization.CultureInfo.InvariantCulture), error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_status_beside_an_http_error_counts_more()
    {
        var response = new HttpResponseMessage(HttpStatusCode.ServiceUnavailable);
        response.Headers.Add("grpc-status", "8");
        response.Headers.Add("grpc-message", "50%25");

        Assert.Equal(new Status(StatusCode.ResourceExhausted, "50%"), (await CallAsync(response)).Status);
    }

    [Theory]
    [InlineData("99")]
    [InlineData("abc")]
    public async Task A_status_that_is_none_is_unknown(string status)
    {
        var response = new HttpResponseMessage(HttpStatusCode.OK);
        response.Headers.Add("grpc-status", status);

        Assert.Equal(StatusCode.Unknown, (await CallAsync(response)).StatusCode);
    }

    [Fact]
    public async Task An_answer_that_is_not_grpc_is_unknown() =>
        Assert.Equal(
            StatusCode.Unknown,
            (await CallAsync(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("<html>") })).StatusCode);

    [Fact]
    public async Task An_answer_without_a_status_is_an_internal_error() =>
        Assert.Equal(StatusCode.Internal, (await CallAsync(Body(RawClient.Frame([])))).StatusCode);

    [Fact]
    public async Task Ok_without_a_response_is_an_internal_error()
    {
        var response = new HttpResponseMessage(HttpStatusCode.OK);
        response.Headers.Add("grpc-status", "0");

        Assert.Equal(StatusCode.Internal, (await CallAsync(response)).StatusCode);
    }

    [Fact]
    public async Task Two_responses_where_there_is_one_are_an_internal_error()
    {
        var response = Body([.. RawClient.Frame([]), .. RawClient.Frame([])]);
        response.TrailingHeaders.Add("grpc-status", "0");

        Assert.Equal(StatusCode.Internal, (await CallAsync(response)).StatusCode);
    }

    [Fact]
    public async Task A_compressed_response_is_an_internal_error()
    {
        var response = Body(RawClient.Frame([1], flag: 1));
        response.Headers.Add("grpc-encoding", "gzip");

        Assert.Equal(StatusCode.Internal, (await CallAsync(response)).StatusCode);
    }

    [Theory]
    [InlineData(0x1, StatusCode.Internal)]
    [InlineData(0x7, StatusCode.Unavailable)]
    [InlineData(0x8, StatusCode.Cancelled)]
    [InlineData(0xb, StatusCode.ResourceExhausted)]
    [InlineData(0xc, StatusCode.PermissionDenied)]
    public void A_reset_streams_code_is_told(long http2Error, StatusCode expected)
    {
        var error = new HttpRequestException("outer", new HttpProtocolException(http2Error, "reset", null));

        Assert.Equal(expected, TransportError.StatusOf(error).StatusCode);
    }

    private static HttpResponseMessage Body(byte[] body)
    {
        var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(body) };
        response.Content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
        return response;
    }

    private static async Task<RpcException> CallAsync(HttpResponseMessage response)
    {
        using var channel = GrpcChannel.ForAddress(
            "http://localhost", new GrpcChannelOptions { HttpHandler = new FixedAnswer(response), DisposeHttpClient = true });
        var call = new Echo.EchoClient(channel).SayAsync(new Note());
        var error = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(error.Status, call.GetStatus());
        return error;
    }

    private sealed class FixedAnswer(HttpResponseMessage response) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(response);
    }
}
