using CsiThin.Core.Nbd;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Calls;

/// <summary>What a <see cref="CallServer"/> serves: the name of the API, its objects, and which services answer.</summary>
internal sealed record CallServices(string Api, Action<IServiceCollection> Add, Action<IEndpointRouteBuilder> Map);

/// <summary>
/// gRPC services on a unix socket that only its owner may open (0600 before anybody can connect), behind <see cref="ErrorInterceptor"/>.
/// Services that do not work are not registered, so that whoever calls them hears UNIMPLEMENTED. A service whose calls stay open ends them
/// when the host's lifetime says that it is stopping.
/// </summary>
internal sealed class CallServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly NbdSocketFile _socket;
    private readonly CallMeter _meter;

    private CallServer(WebApplication application, NbdSocketFile socket, CallMeter meter)
    {
        _application = application;
        _socket = socket;
        _meter = meter;
    }

    /// <summary>Listens on <paramref name="socketPath"/>; throws <see cref="IOException"/> when that cannot be.</summary>
    public static async Task<CallServer> StartAsync(string socketPath, CallServices services, ILoggerFactory logs)
    {
        var socket = new NbdSocketFile(socketPath);
        var meter = new CallMeter(services.Api);
        var application = Build(socketPath, socket, services, meter, logs);
        var server = new CallServer(application, socket, meter);
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

    /// <summary>Takes no new calls, lets those in flight end (30 seconds at most), and removes the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync().ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
        _socket.Dispose();
        _meter.Dispose();
    }

    private static WebApplication Build(
        string socketPath, NbdSocketFile socket, CallServices services, CallMeter meter, ILoggerFactory logs)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.ListenUnixSocket(Path.GetFullPath(socketPath), listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.WebHost.UseSockets(options => options.CreateBoundListenSocket = _ => socket.Listener);
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
