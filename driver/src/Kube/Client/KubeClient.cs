using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// The API server over HTTPS. A request ends after <see cref="RequestTimeout"/>; a watch when nothing was heard for longer than the server
/// itself lets one live. Proofs of who asks go into headers only, never into a message.
/// <para>Concurrency: holds no state of its own beside the connections of <see cref="HttpClient"/>; free for all threads.</para>
/// </summary>
internal sealed class KubeClient : IKubeClient, IDisposable
{
    /// <summary>For one answer, headers and body; the server gives up by itself after 60 s.</summary>
    public static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(65);

    // The server is asked to end a watch after five minutes, and tells a bookmark about once a minute before.
    private static readonly TimeSpan WatchLife = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan WatchSilence = WatchLife + TimeSpan.FromSeconds(15);

    private readonly KubeConnection _connection;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    /// <summary>Speaks over the connection, which belongs to the client from then on. Nothing is sent yet.</summary>
    public KubeClient(KubeConnection connection, TimeProvider? time = null)
    {
        _connection = connection;
        _time = time ?? TimeProvider.System;
        _http = new HttpClient(connection.CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <inheritdoc/>
    public Task<T> GetAsync<T>(ObjectName name, CancellationToken cancellation)
        where T : KubeObject, IKubeObject =>
        AskAsync<T>(Call<T>("get", HttpMethod.Get, name) with { IsRepeatable = true }, cancellation);

    /// <inheritdoc/>
    public Task<KubeList<T>> ListPageAsync<T>(KubeSelection selection, KubePage page, CancellationToken cancellation)
        where T : KubeObject, IKubeObject =>
        AskAsync<KubeList<T>>(
            Collection<T>("list", HttpMethod.Get, selection.Namespace).With(
                ("labelSelector", selection.LabelSelector),
                ("fieldSelector", selection.FieldSelector),
                ("limit", $"{page.Limit}"),
                ("continue", page.Continue)) with
            { IsRepeatable = true },
            cancellation);

    /// <inheritdoc/>
    public async IAsyncEnumerable<KubeChange<T>> WatchAsync<T>(
        KubeSelection selection, string resourceVersion, [EnumeratorCancellation] CancellationToken cancellation)
        where T : KubeObject, IKubeObject
    {
        var call = Collection<T>("watch", HttpMethod.Get, selection.Namespace).With(
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", resourceVersion),
            ("timeoutSeconds", $"{WatchLife.TotalSeconds:0}"),
            ("labelSelector", selection.LabelSelector),
            ("fieldSelector", selection.FieldSelector)) with
        { IsStream = true };
        using var response = await SendAsync(call, cancellation).ConfigureAwait(false);
        var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var lines = new WatchLines(call, stream, WatchSilence, _time);
        await using var _ = lines.ConfigureAwait(false);
        while (await NextAsync(call, lines, cancellation).ConfigureAwait(false) is { } line)
        {
            if (line.Length > 0)
                yield return WatchDocument.Read<T>(call, line);
        }
    }

    /// <inheritdoc/>
    public Task<T> CreateAsync<T>(T value, CancellationToken cancellation)
        where T : KubeObject, IKubeObject =>
        AskAsync<T>(
            Collection<T>("create", HttpMethod.Post, value.Metadata.Namespace) with
            {
                Name = value.Metadata.Address,
                Body = Whole(value),
            },
            cancellation);

    /// <inheritdoc/>
    public Task<T> ReplaceAsync<T>(T value, CancellationToken cancellation)
        where T : KubeObject, IKubeObject =>
        AskAsync<T>(Call<T>("update", HttpMethod.Put, value.Metadata.Address) with { Body = Whole(value) }, cancellation);

    /// <inheritdoc/>
    public Task<T> PatchAsync<T>(ObjectName name, KubePatch patch, CancellationToken cancellation)
        where T : KubeObject, IKubeObject =>
        AskAsync<T>(
            Call<T>("patch", HttpMethod.Patch, name, patch.Subresource).With(
                ("fieldManager", patch.FieldManager),
                ("force", patch.IsForced ? "true" : null)) with
            {
                Body = patch.Body,
                ContentType = patch.ContentType,
                IsRepeatable = true,
            },
            cancellation);

    /// <inheritdoc/>
    public async Task DeleteAsync<T>(ObjectName name, DeletePreconditions preconditions, CancellationToken cancellation)
        where T : KubeObject, IKubeObject
    {
        var options = new { ApiVersion = "v1", Kind = "DeleteOptions", Preconditions = preconditions };
        var call = Call<T>("delete", HttpMethod.Delete, name) with { Body = KubeJson.Write(options) };
        using var response = await SendAsync(call, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _connection.Dispose();
    }

    private static KubeCall Call<T>(string verb, HttpMethod method, ObjectName name, string? subresource = null)
        where T : IKubeObject =>
        new(verb, method, T.Resource, T.Resource.PathOf(name.Namespace, name.Name, subresource)) { Name = name };

    private static KubeCall Collection<T>(string verb, HttpMethod method, string? namespaceName)
        where T : IKubeObject =>
        new(verb, method, T.Resource, T.Resource.PathOf(namespaceName));

    private static byte[] Whole<T>(T value)
        where T : KubeObject, IKubeObject =>
        KubeJson.Write(value with { ApiVersion = T.Resource.ApiVersion, Kind = T.Resource.Kind });

    private async Task<T> AskAsync<T>(KubeCall call, CancellationToken cancellation)
    {
        using var response = await SendAsync(call, cancellation).ConfigureAwait(false);
        try
        {
            var body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
            return JsonSerializer.Deserialize<T>(body, KubeJson.Options) ?? throw KubeErrors.Malformed(call, "nothing");
        }
        catch (JsonException failure)
        {
            throw KubeErrors.Malformed(call, "what is not the object asked for", failure);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(KubeCall call, CancellationToken cancellation)
    {
        var retry = new RetryRule(call);
        var isProofFresh = false;
        while (true)
        {
            try
            {
                return await TryAsync(call, cancellation).ConfigureAwait(false);
            }
            catch (KubeException failure) when (failure.Error == KubeError.Unauthorized && !isProofFresh && _connection.RenewProof())
            {
                isProofFresh = true;
            }
            catch (KubeException failure) when (retry.WaitAfter(failure) is { } wait)
            {
                await Task.Delay(wait, _time, cancellation).ConfigureAwait(false);
            }
        }
    }

    // A body that is no stream is read whole here, so that the time limit covers it too.
    private async Task<HttpResponseMessage> TryAsync(KubeCall call, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(RequestTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        HttpResponseMessage? response = null;
        try
        {
            using var request = Request(call);
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                throw await KubeErrors.OfAsync(call, response, _time, both.Token).ConfigureAwait(false);
            if (!call.IsStream)
                await response.Content.LoadIntoBufferAsync(both.Token).ConfigureAwait(false);
            return response;
        }
        catch (Exception failure)
        {
            response?.Dispose();
            if (cancellation.IsCancellationRequested || failure is KubeException)
                throw;
            throw failure switch
            {
                OperationCanceledException => KubeErrors.Late(call, _connection.Server, RequestTimeout),
                HttpRequestException or IOException => KubeErrors.Of(call, _connection.Server, failure),
                _ => failure,
            };
        }
    }

    private HttpRequestMessage Request(KubeCall call)
    {
        // The server's own path, if it has one, stays in front: proxies serve many clusters under one name.
        var request = new HttpRequestMessage(call.Method, _connection.Server.AbsoluteUri.TrimEnd('/') + call.Target)
        {
            Version = System.Net.HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        if (_connection.CurrentToken() is { } token)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.TryAddWithoutValidation("Accept", call.Accept);
        request.Headers.TryAddWithoutValidation("User-Agent", "csi-thin");
        if (call.Body is { } body)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(call.ContentType);
        }

        return request;
    }

    private async Task<byte[]?> NextAsync(KubeCall call, WatchLines lines, CancellationToken cancellation)
    {
        try
        {
            return await lines.ReadAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            throw KubeErrors.Of(call, _connection.Server, failure);
        }
    }
}
