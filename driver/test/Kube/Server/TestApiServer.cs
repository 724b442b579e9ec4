using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using CsiThin.Driver.Kube.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>
/// An API server in this process: the verbs, versions, conflicts, pages, watches and errors of the real one for the resources that the
/// driver uses, and <see cref="Faults"/> for all that goes wrong with it. With discovery and tables, so that kubectl works on it.
/// </summary>
internal sealed class TestApiServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<string, Queue<JsonObject>> _pages = new();

    private TestApiServer(WebApplication application, TimeProvider time)
    {
        _application = application;
        Objects = new ApiObjects(Store, time);
    }

    public ApiStore Store { get; } = new();

    public ApiObjects Objects { get; }

    public Misbehaviour Faults { get; } = new();

    /// <summary>The tokens it knows; null: everybody is known.</summary>
    public ConcurrentDictionary<string, bool>? Tokens { get; set; }

    /// <summary>The rights that were used, as an RBAC rule names them.</summary>
    public ConcurrentQueue<string> Rights { get; } = new();

    public Uri Address => new(_application.Urls.Single());

    public static async Task<TestApiServer> StartAsync(
        X509Certificate2? certificate = null, TimeProvider? time = null, bool asksForCertificate = false, int port = 0,
        IPAddress? address = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
            kestrel.Listen(address ?? IPAddress.Loopback, port, listen =>
            {
                if (certificate is not null)
                    listen.UseHttps(new HttpsConnectionAdapterOptions
                    {
                        ServerCertificate = certificate,
                        ClientCertificateMode = asksForCertificate ? ClientCertificateMode.RequireCertificate : default,
                        ClientCertificateValidation = static (_, _, _) => true,
                    });
            }));
        var application = builder.Build();
        var server = new TestApiServer(application, time ?? TimeProvider.System);
        application.Run(server.AnswerAsync);
        await application.StartAsync();
        return server;
    }

    /// <summary>A client over plain HTTP.</summary>
    public KubeClient Client(TimeProvider? time = null) => new(new KubeConnection(Address, ServerTrust.System), time);

    /// <summary>The pages of lists that are not fetched yet are forgotten.</summary>
    public void ExpirePages() => _pages.Clear();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _application.StopAsync(new CancellationToken(canceled: true));
        await _application.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        try
        {
            if (Faults.IsDown)
                context.Abort();
            else if (Tokens is { } tokens && !tokens.ContainsKey(context.Request.Headers.Authorization.ToString().Split(' ')[^1]))
                throw new ApiProblem(401, "Unauthorized", "Unauthorized");
            else if (ApiRequest.Parse(context.Request) is { } request)
                await AnswerAsync(context, request);
            else if ((Discovery.Answer(context.Request.Path.Value!) ?? OpenApi.Answer(context.Request.Path.Value!)) is { } found)
                await ApiBody.WriteAsync(context, 200, found);
            else
                throw new ApiProblem(404, "NotFound", "the server could not find the requested resource");
        }
        catch (ApiProblem problem)
        {
            await ApiBody.WriteAsync(context, problem.Code, problem.ToStatus());
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
    }

    private async Task AnswerAsync(HttpContext context, ApiRequest request)
    {
        Rights.Enqueue(request.Right);
        var fault = Faults.OnRequest(request);
        var body = await ApiBody.ReadAsync(context.Request, context.RequestAborted);
        if (fault is { IsDoneFirst: true })
            Do(context, request, body);
        if (fault is { IsCut: true })
        {
            context.Abort();
            return;
        }

        if (fault is { IsSilent: true })
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        if (fault is { Code: > 0 })
        {
            if (fault.RetryAfterSeconds is { } seconds)
                context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            throw new ApiProblem(fault.Code, fault.Reason, fault.Message);
        }

        if (request.Verb == "watch")
        {
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
            await new WatchAnswer(context, request, Store, Faults).RunAsync(ends.Token);
        }
        else
        {
            var made = request.Verb == "create";
            var answer = request.Verb == "list" ? List(context.Request, request) : Do(context, request, body);
            await ApiBody.WriteAsync(context, made ? 201 : 200, TableView.Shown(context.Request, request.Resource, answer));
        }
    }

    private JsonObject Do(HttpContext context, ApiRequest request, JsonObject? body)
    {
        var query = context.Request.Query;
        var manager = query["fieldManager"].FirstOrDefault() ?? "unknown";
        switch (request.Verb)
        {
            case "get":
                return Store.Find(request.Key) ?? throw ApiProblem.NotFound(request.Resource, request.Name!);
            case "create":
                return Objects.Create(request.Resource, request.Key with { Name = (string)body!["metadata"]!["name"]! }, body);
            case "update":
                return Objects.Replace(request.Resource, request.Key, body!, request.Subresource, manager);
            case "patch" when ApiBody.TypeOf(context.Request) == "application/apply-patch+yaml":
                return Objects.Apply(request.Resource, request.Key, body!, request.Subresource, manager, query["force"] == "true");
            case "patch" when ApiBody.TypeOf(context.Request) == "application/merge-patch+json":
                return Objects.Merge(request.Resource, request.Key, body!, request.Subresource, manager);
            // It differs from the one above where there are lists of objects; what is sent here has none.
            case "patch" when ApiBody.TypeOf(context.Request) == "application/strategic-merge-patch+json"
                && !ApiBody.HasListOfObjects(body):
                return Objects.Merge(request.Resource, request.Key, body!, request.Subresource, manager);
            case "delete":
                Objects.Delete(request.Resource, request.Key, body?["preconditions"]);
                return new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["status"] = "Success" };
            default:
                throw new ApiProblem(415, "UnsupportedMediaType", $"{context.Request.ContentType} is not supported");
        }
    }

    private JsonObject List(HttpRequest asked, ApiRequest request)
    {
        var limit = int.Parse(asked.Query["limit"].FirstOrDefault() ?? "0", CultureInfo.InvariantCulture);
        string revision;
        Queue<JsonObject> left;
        if (asked.Query["continue"].FirstOrDefault() is { Length: > 0 } token)
        {
            if (!_pages.TryRemove(token, out left!))
                throw ApiProblem.Expired();
            revision = token.Split('.')[0];
        }
        else
        {
            var selectors = new Selectors(asked.Query["labelSelector"], asked.Query["fieldSelector"]);
            var (at, objects) = Store.List(request.Resource, request.Namespace);
            (revision, left) = (at.ToString(CultureInfo.InvariantCulture), new Queue<JsonObject>(objects.Where(selectors.Match)));
        }

        var items = new JsonArray();
        while (left.Count > 0 && (limit <= 0 || items.Count < limit))
            items.Add(left.Dequeue().DeepClone());
        var metadata = new JsonObject { ["resourceVersion"] = revision };
        if (left.Count > 0)
        {
            var next = $"{revision}.{Guid.NewGuid():N}";
            _pages[next] = left;
            metadata["continue"] = next;
            metadata["remainingItemCount"] = left.Count;
        }

        return new JsonObject
        {
            ["kind"] = $"{request.Resource.Kind}List",
            ["apiVersion"] = request.Resource.ApiVersion,
            ["metadata"] = metadata,
            ["items"] = items,
        };
    }
}
