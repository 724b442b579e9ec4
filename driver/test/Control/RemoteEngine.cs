using CsiThin.Driver.Calls;
using CsiThin.Driver.Control;
using Microsoft.Extensions.Logging.Abstractions;

namespace CsiThin.Driver.Tests.Control;

/// <summary>An engine's API on a socket in a directory of its own, which can be stopped and started, and a connection to it.</summary>
internal sealed class RemoteEngine : IDisposable
{
    public static readonly EnginePatience Short = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(30));

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-engine-");
    private readonly EngineOffer _offer;
    private CallServer? _server;

    public RemoteEngine(EngineOffer offer, EnginePatience? patience = null)
    {
        _offer = offer;
        Connection = new EngineConnection(SocketPath, patience ?? EnginePatience.Default, TimeProvider.System);
        Start();
    }

    public string SocketPath => Path.Combine(_directory.FullName, "engine.sock");

    public EngineConnection Connection { get; }

    public RemotePools Pools => new(Connection);

    public void Start() =>
        _server = ControlServer.StartAsync(SocketPath, _offer, NullLoggerFactory.Instance).GetAwaiter().GetResult();

    public void Stop()
    {
        _server?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _server = null;
    }

    public void Dispose()
    {
        Stop();
        Connection.Dispose();
        _directory.Delete(recursive: true);
    }
}
