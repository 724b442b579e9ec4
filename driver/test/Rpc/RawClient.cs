using System.Buffers.Binary;
using System.Net;
using CsiThin.Driver.Rpc.Wire;

namespace CsiThin.Driver.Tests.Rpc;

/// <summary>HTTP/2 requests written by hand, for what a proper client would not send.</summary>
internal sealed class RawClient(EchoHost host) : IDisposable
{
    private readonly HttpMessageInvoker _http = new(host.UnixHandler());

    /// <summary>A payload with its prefix.</summary>
    public static byte[] Frame(byte[] payload, byte flag = 0)
    {
        var frame = new byte[5 + payload.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)payload.Length);
        payload.CopyTo(frame, 5);
        return frame;
    }

    public Task<RawAnswer> PostAsync(string path, byte[] body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body, "application/grpc", headers);

    public async Task<RawAnswer> SendAsync(
        HttpMethod method, string path, byte[] body, string? contentType, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, "http://localhost" + path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        if (contentType is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("content-type", contentType);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await _http.SendAsync(request, CancellationToken.None);
        var content = await response.Content.ReadAsByteArrayAsync();
        var inHeaders = response.Headers.Contains(HeaderNames.Status);
        var statusHeaders = inHeaders ? response.Headers : response.TrailingHeaders;
        return new RawAnswer(
            response.StatusCode,
            content,
            statusHeaders.TryGetValues(HeaderNames.Status, out var status) ? status.Single() : null,
            statusHeaders.TryGetValues(HeaderNames.Message, out var message) ? message.Single() : "",
            inHeaders,
            response.Headers.ToDictionary(h => h.Key, h => string.Join(",", h.Value), StringComparer.OrdinalIgnoreCase));
    }

    public void Dispose() => _http.Dispose();
}
