using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Sockets;
using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Nbd;

/// <summary>
/// One connection: a thread of its own that goes through handshake and transmission and then gives everything back. <see cref="Serve"/>
/// works;
/// <see cref="Main"/> only decides what an end means and logs it.
/// <para>Concurrency: <see cref="Stop"/>, <see cref="Abandon"/> and <see cref="Join"/> from any thread; all else belongs to the
/// connection's thread.</para>
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Its own thread disposes what it owns, as its last act.")]
internal sealed class NbdConnection
{
    private const int StackBytes = 512 << 10;
    private const int SendBufferBytes = 1 << 20;

    private readonly StreamSocket _socket;
    private readonly INbdExports _exports;
    private readonly NbdServerOptions _options;
    private readonly Action<NbdConnection> _onEnded;
    private readonly ConnectionControl _control = new();
    private readonly string _who;
    private readonly Thread _thread;
    private volatile ChosenExport? _chosen;

    /// <summary>
    /// Takes the connected socket over, and <paramref name="chosen"/> too: where it is not null there is no handshake, the other end
    /// (the kernel) was told everything. <paramref name="onEnded"/> is called once, on the connection's thread, as its last act.
    /// </summary>
    public NbdConnection(
        Socket socket, ChosenExport? chosen, INbdExports exports, NbdServerOptions options, long number, Action<NbdConnection> onEnded)
    {
        _socket = new StreamSocket(socket);
        _chosen = chosen;
        _exports = exports;
        _options = options;
        _onEnded = onEnded;
        _who = string.Create(CultureInfo.InvariantCulture, $"connection {number}");
        _thread = new Thread(Main, StackBytes) { IsBackground = true, Name = $"nbd {number}" };
    }

    /// <summary>What it has done so far.</summary>
    public TrafficCounters Counters { get; } = new();

    /// <summary>What it serves; null before the client has chosen.</summary>
    public string? Export => _chosen?.Name;

    /// <summary>Starts the thread. When the system has none to give it throws, and socket and export are the caller's again.</summary>
    public void Start()
    {
        try
        {
            _thread.Start();
        }
        catch
        {
            _control.Dispose();
            throw;
        }
    }

    /// <summary>Asks for an orderly end: what is in flight is finished and answered.</summary>
    public void Stop() => _control.Stop();

    /// <summary>Asks for an end without the client's help: what is in flight is finished, but not answered.</summary>
    public void Abandon() => _control.Abandon();

    /// <summary>Waits until everything has been given back.</summary>
    public void Join() => _thread.Join();

    private void Main()
    {
        try
        {
            Log(NbdLogLevel.Debug, "begins");
            var reason = ServeAndClose();
            Log(reason is null ? NbdLogLevel.Debug : NbdLogLevel.Warning, reason ?? "ended in order");
        }
        catch (NbdDisconnect disconnect)
        {
            Log(disconnect.Level, disconnect.Message);
        }
        catch (Exception unexpected)
        {
            // A fault of ours or of the device below. The client sees the connection end, and nothing else; the other connections live on.
            Log(NbdLogLevel.Error, $"failed: {unexpected}");
        }
        finally
        {
            _socket.Dispose();
            _control.Dispose();
            _onEnded(this);
        }
    }

    private string? ServeAndClose()
    {
        try
        {
            return Serve();
        }
        finally
        {
            _chosen?.Device.Dispose();
        }
    }

    /// <summary>Both phases. Returns why the stream ended when that was not orderly, else null.</summary>
    private string? Serve()
    {
        _socket.WidenSendBuffer(SendBufferBytes);
        using var input = new ReceiveBuffer();
        _chosen ??= ShakeHands(input);
        if (_chosen is null)
            return null;
        Log(NbdLogLevel.Debug, $"serves export {NbdText.Printable(_chosen.Name)}");
        var failures = new FailureLog(_options.Log, _who);
        using var transmission = new Transmission(_socket, input, _control, _chosen.Device, _chosen.Session, _options, Counters, failures);
        transmission.Run();
        return transmission.EndReason;
    }

    private ChosenExport? ShakeHands(ReceiveBuffer input)
    {
        using var channel = new HandshakeChannel(_socket, input, _control);
        using var limit = _options.TimeProvider.CreateTimer(
            static control => ((ConnectionControl)control!).ExpireHandshake(), _control, _options.HandshakeLimit, Timeout.InfiniteTimeSpan);
        return new Handshake(channel, _exports, _options.Log is null ? null : Log).Run();
    }

    private void Log(NbdLogLevel level, string message) => _options.Log?.Invoke(level, $"{_who}: {message}");
}
