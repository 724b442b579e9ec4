using System.Net.Sockets;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Nbd;

/// <summary>
/// Serves exports over NBD: on a unix socket of mode 0600, and on sockets that are connected already (the kernel's).
/// <para>
/// Reading order: this (accept) -> <see cref="NbdConnection"/> (a thread) -> <see cref="Handshake"/> (options) ->
/// <see cref="Transmission"/> (requests).
/// </para>
/// <para>
/// Concurrency: members may be called from any thread. <c>_gate</c> guards the set of connections and the two state flags; it is never
/// held while waiting.
/// </para>
/// </summary>
public sealed class NbdServer : IDisposable
{
    private const int OutOfDescriptorsWaitMs = 100;

    private readonly string? _socketPath;
    private readonly INbdExports _exports;
    private readonly NbdServerOptions _options;
    private readonly WakeEvent _stopAccepting = new();
    private readonly Lock _gate = new();
    private readonly HashSet<NbdConnection> _connections = [];
    private NbdSocketFile? _socketFile;
    private Thread? _acceptThread;
    private long _connectionNumber;
    private bool _isStopping;

    /// <summary>
    /// Prepares a server of <paramref name="exports"/>. A null <paramref name="socketPath"/> is a server without a listener.
    /// </summary>
    public NbdServer(string? socketPath, INbdExports exports, NbdServerOptions? options = null)
    {
        _socketPath = socketPath;
        _exports = exports;
        _options = options ?? new NbdServerOptions();
        Traffic = _options.Traffic ?? new NbdTraffic();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxConnections, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxRequests, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxPayloadBytes, NbdProtocol.MaxPayloadBytes);
    }

    /// <summary>What its connections have done.</summary>
    public NbdTraffic Traffic { get; }

    /// <summary>Connections being served.</summary>
    public int ConnectionCount
    {
        get
        {
            lock (_gate)
                return _connections.Count;
        }
    }

    /// <summary>
    /// Begins to listen. Throws <see cref="IOException"/> where the socket cannot be made: another server is alive on it, a file that is
    /// no socket is in the way, the directory is missing. A socket left by a dead server is replaced.
    /// </summary>
    public void Start()
    {
        if (_socketPath is null || _socketFile is not null)
            throw new InvalidOperationException("the server has no socket path, or was started before");
        _socketFile = new NbdSocketFile(_socketPath);
        _acceptThread = new Thread(AcceptAll) { IsBackground = true, Name = "nbd accept" };
        _acceptThread.Start();
    }

    /// <summary>Serves a connected stream socket from the handshake on. Takes it over, whatever happens.</summary>
    public void Serve(Socket connected) => Begin(connected, chosen: null, onEnded: null);

    /// <summary>
    /// Serves <paramref name="device"/> on a connected stream socket whose other end is in the transmission phase already, as the kernel is
    /// when it is handed one end of a socketpair and told the device's <see cref="NbdFacts"/>. Takes both over, whatever happens, and calls
    /// <paramref name="onEnded"/> once when they have been given back, on a thread that must not be kept. Throws
    /// <see cref="NbdRefusedException"/> when nothing more is served.
    /// </summary>
    public NbdAttachment Attach(Socket connected, string name, IBlockDevice device, Action? onEnded = null)
    {
        var session = new NbdSession(StructuredReplies: false, BlockStatus: false, device.IsReadOnly);
        return new NbdAttachment(Begin(connected, new ChosenExport(name, device, session), onEnded)!);
    }

    /// <summary>
    /// Stops accepting, removes the socket, lets every connection finish and answer what it has in flight, and waits for that. Clients
    /// that do not take their replies are cut off after <see cref="NbdServerOptions.DrainLimit"/>; what is in flight on a device is
    /// always waited for.
    /// </summary>
    public void Dispose()
    {
        NbdConnection[] connections;
        lock (_gate)
        {
            if (_isStopping)
                return;
            _isStopping = true;
            connections = [.. _connections];
        }
        _stopAccepting.Signal();
        _acceptThread?.Join();
        _socketFile?.Dispose();
        foreach (var connection in connections)
            connection.Stop();
        void AbandonAll(object? state) => Array.ForEach(connections, connection => connection.Abandon());
        using (_options.TimeProvider.CreateTimer(AbandonAll, null, _options.DrainLimit, Timeout.InfiniteTimeSpan))
            Array.ForEach(connections, connection => connection.Join());
        _stopAccepting.Dispose();
        if (_options.Traffic is null)
            Traffic.Dispose();
    }

    private void AcceptAll()
    {
        using var poll = new PollSet(2);
        var listener = _socketFile!.Listener;
        poll.Set(0, (int)listener.SafeHandle.DangerousGetHandle(), PollSet.Readable);
        poll.Set(1, _stopAccepting.Descriptor, PollSet.Readable);
        while (true)
        {
            poll.Wait(-1);
            if (poll.IsReady(1, PollSet.Readable))
                return;
            Accept(listener);
        }
    }

    private void Accept(Socket listener)
    {
        try
        {
            Begin(listener.Accept(), chosen: null, onEnded: null);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
        {
            // The client stays in the backlog; without this pause the loop would spin until a descriptor is free.
            Log(NbdLogLevel.Error, $"cannot accept a connection: {e.Message}");
            PauseUnlessStopping();
        }
        catch (SocketException e)
        {
            Log(NbdLogLevel.Debug, $"a connection ended before it was accepted: {e.Message}");
        }
    }

    private void PauseUnlessStopping()
    {
        using var stop = new PollSet(1);
        stop.Set(0, _stopAccepting.Descriptor, PollSet.Readable);
        _ = stop.Wait(OutOfDescriptorsWaitMs); // either way the caller's loop looks at the event next
    }

    private NbdConnection? Begin(Socket connected, ChosenExport? chosen, Action? onEnded)
    {
        if (TryBegin(connected, chosen, onEnded, out var refusal) is { } connection)
            return connection;
        connected.Dispose();
        chosen?.Device.Dispose();
        Log(NbdLogLevel.Warning, $"a connection was refused: {refusal}");
        return chosen is null ? null : throw new NbdRefusedException(refusal);
    }

    /// <summary>Starts a connection, or says why not; then nothing was taken over.</summary>
    private NbdConnection? TryBegin(Socket connected, ChosenExport? chosen, Action? onEnded, out string refusal)
    {
        lock (_gate)
        {
            refusal = _isStopping ? "the server is stopping" : "";
            if (_connections.Count >= _options.MaxConnections)
                refusal = $"{_options.MaxConnections} connections are the limit";
            if (refusal.Length > 0)
                return null;
            try
            {
                var connection = new NbdConnection(connected, chosen, _exports, _options, ++_connectionNumber, ended =>
                {
                    OnEnded(ended);
                    onEnded?.Invoke();
                });
                connection.Start();
                _connections.Add(connection);
                Traffic.Add(connection);
                return connection;
            }
            catch (Exception lacking) when (lacking is DiskException or OutOfMemoryException)
            {
                refusal = $"the system has no descriptor or thread for it: {lacking.Message}";
                return null;
            }
        }
    }

    private void OnEnded(NbdConnection connection)
    {
        lock (_gate)
        {
            _connections.Remove(connection);
            Traffic.Remove(connection);
        }
    }

    private void Log(NbdLogLevel level, string message) => _options.Log?.Invoke(level, message);
}
