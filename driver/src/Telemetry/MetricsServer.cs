using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CsiThin.Driver.Telemetry;

/// <summary>Serves <c>/metrics</c> and <c>/healthz</c> over HTTP. Nothing else answers, nothing is read from the environment.</summary>
internal sealed class MetricsServer : IAsyncDisposable
{
    private const string MetricsType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly WebApplication _application;

    private MetricsServer(WebApplication application) => _application = application;

    /// <summary>Where it listens, with the port the system chose when 0 was asked for.</summary>
    public Uri Address => new(_application.Urls.Single());

    /// <summary>
    /// Listens on <paramref name="endPoint"/>; throws <see cref="IOException"/> when it is taken. <paramref name="unhealthy"/> returns null
    /// while all is well, else the reason that <c>/healthz</c> answers with 503.
    /// </summary>
    public static async Task<MetricsServer> StartAsync(IPEndPoint endPoint, PrometheusExporter exporter, Func<string?> unhealthy)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxConcurrentConnections = 64;
            options.Limits.MaxRequestBodySize = 0;
            options.Listen(endPoint, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        builder.Services.AddRoutingCore();
        var application = builder.Build();
        application.Run(context => AnswerAsync(context, exporter, unhealthy));
        try
        {
            await application.StartAsync().ConfigureAwait(false);
            return new MetricsServer(application);
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw new IOException($"cannot listen on {endPoint}: {(failure.InnerException ?? failure).Message}", failure);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static Task AnswerAsync(HttpContext context, PrometheusExporter exporter, Func<string?> unhealthy)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            return WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "text/plain", "only GET is answered\n");
        return context.Request.Path.Value switch
        {
            "/metrics" => WriteAsync(context, StatusCodes.Status200OK, MetricsType, exporter.Scrape()),
            "/healthz" when unhealthy() is { } reason =>
                WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "text/plain", reason + "\n"),
            "/healthz" => WriteAsync(context, StatusCodes.Status200OK, "text/plain", "ok\n"),
            _ => WriteAsync(context, StatusCodes.Status404NotFound, "text/plain", "/metrics and /healthz are here\n"),
        };
    }

    private static async Task WriteAsync(HttpContext context, int code, string type, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = code;
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Signals are for whoever starts and ends this server: it takes none itself.</summary>
    private sealed class CallersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
