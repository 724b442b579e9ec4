using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Calls;

/// <summary>What a <see cref="CallServer"/> serves: the name of the API, its objects, and which services answer.</summary>
internal sealed record CallServices(string Api, Action<IServiceCollection> Add, Action<IEndpointRouteBuilder> Map);

/// <summary>
/// gRPC services behind a listener (a unix socket, or a port with mutual TLS) and <see cref="ErrorInterceptor"/>. Services that do not
/// work are not registered, so that whoever calls them hears UNIMPLEMENTED. A service whose calls stay open ends them when the host's
/// lifetime says that it is stopping.
/// </summary>
internal sealed class CallServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ICallListener _listener;
    private readonly CallMeter _meter;

    private CallServer(WebApplication application, ICallListener listener, CallMeter meter)
    {
        _application = application;
        _listener = listener;
        _meter = meter;
    }

    /// <summary>Where it can be reached: <c>http://unix:…</c>, or <c>https://…</c> with the port that the system chose.</summary>
    public string Address =>
        _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>Listens on the unix socket; throws <see cref="IOException"/> when that cannot be.</summary>
    public static Task<CallServer> StartAsync(string socketPath, CallServices services, ILoggerFactory logs) =>
        StartAsync(new UnixListener(socketPath), services, logs);

    /// <summary>Listens where <paramref name="listener"/> says, and takes it over; throws <see cref="IOException"/> when that cannot
    /// be.</summary>
    public static async Task<CallServer> StartAsync(ICallListener listener, CallServices services, ILoggerFactory logs)
    {
        var meter = new CallMeter(services.Api);
        var application = Build(listener, services, meter, logs);
        var server = new CallServer(application, listener, meter);
        try
        {
            services.Map(application);
            await application.StartAsync().ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes no new calls, lets those in flight end (30 seconds at most), and closes the listener.</summary>
    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync().ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
        _listener.Dispose();
        _meter.Dispose();
    }

    private static WebApplication Build(ICallListener listener, CallServices services, CallMeter meter, ILoggerFactory logs)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => options.AddServerHeader = false);
        listener.Configure(builder.WebHost);
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton(meter);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<ErrorInterceptor>();
        services.Add(builder.Services);
        builder.Services.AddGrpc(options => options.Interceptors.Add<ErrorInterceptor>());
        return builder.Build();
    }

    /// <summary>Signals are for whoever starts and ends this server: it takes none itself.</summary>
    private sealed class CallersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
