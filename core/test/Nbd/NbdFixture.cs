using System.Collections.Concurrent;
using CsiThin.Core.Nbd;
using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.Nbd;

/// <summary>How a test's device finishes its requests.</summary>
public enum Finishing
{
    /// <summary>At once, on the connection's thread.</summary>
    InPlace,

    /// <summary>Later, on another thread, in another order.</summary>
    Deferred,
}

/// <summary>
/// A server on a socket of its own with one writable export "disk" of 4 MiB and one read-only export "snapshot" of 1 MiB.
/// </summary>
internal sealed class NbdFixture : IDisposable
{
    public const int DiskBytes = 4 << 20;
    public const int SnapshotBytes = 1 << 20;

    private readonly TempFile _socket = new();
    private readonly Lazy<NbdServer> _server;

    public NbdFixture(Finishing finishing = Finishing.InPlace, NbdServerOptions? options = null, int seed = 1)
    {
        Deferring = new DeferringBlockDevice(Disk, seed);
        Exports = new MemoryExports()
            .With("disk", DiskBytes, () => finishing == Finishing.InPlace ? Disk.Open() : Deferring.Open(), "a disk")
            .With("snapshot", Snapshot);
        _server = new Lazy<NbdServer>(() =>
        {
            var logged = (options ?? new NbdServerOptions()) with { Log = (level, text) => Messages.Enqueue((level, text)) };
            var server = new NbdServer(_socket.Path, Exports, logged);
            server.Start();
            return server;
        });
    }

    public MemoryBlockDevice Disk { get; } = new(DiskBytes);

    public MemoryBlockDevice Snapshot { get; } = new(SnapshotBytes, isReadOnly: true);

    public DeferringBlockDevice Deferring { get; }

    public MemoryExports Exports { get; }

    public ConcurrentQueue<(NbdLogLevel Level, string Text)> Messages { get; } = [];

    public NbdServer Server => _server.Value;

    public string SocketPath => _socket.Path;

    public RawNbdClient Connect()
    {
        _ = Server; // Started by the first use.
        return new RawNbdClient(_socket.Path);
    }

    public RawNbdClient Go(string name = "disk", bool structured = true, bool blockStatus = false)
    {
        var client = Connect();
        client.Go(name, structured, blockStatus);
        return client;
    }

    /// <summary>Waits until something that another thread brings about has come true, and fails after 20 s.</summary>
    public static void Until(Func<bool> condition, string what)
    {
        if (!SpinWait.SpinUntil(condition, 120_000))
            throw new TimeoutException($"never came true: {what}");
    }

    /// <summary>Stops the server, then checks that nothing was kept: no handle, no queue, no file.</summary>
    public void Dispose()
    {
        Deferring.LetGo();
        if (_server.IsValueCreated)
            _server.Value.Dispose();
        var left = (Disk.OpenHandles, Disk.OpenQueues, Snapshot.OpenHandles, Snapshot.OpenQueues, File.Exists(_socket.Path));
        _socket.Dispose();
        if (left != (0, 0, 0, 0, false))
            throw new InvalidOperationException($"left behind (handles, queues, handles, queues, socket): {left}");
    }
}
