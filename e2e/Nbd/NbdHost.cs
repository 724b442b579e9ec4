using System.Collections.Concurrent;
using CsiThin.Core.Device;
using CsiThin.Core.Nbd;
using CsiThin.Core.Tests.Support;
using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Nbd;

/// <summary>
/// A server in this process, on a RAM device, for clients that are not ours: "disk", and "snapshot", which shows the same bytes read-only.
/// </summary>
internal sealed class NbdHost : IDisposable
{
    public const long DiskBytes = 64 << 20;

    private readonly NbdServer _server;

    /// <summary>Serves in place, or (<paramref name="deferred"/>) finishes requests later and in another order.</summary>
    public NbdHost(bool deferred = false)
    {
        var deferring = new DeferringBlockDevice(Disk, seed: 1);
        Exports = new MemoryExports()
            .With("disk", DiskBytes, () => deferred ? deferring.Open() : Disk.Open(), "the disk")
            .With("snapshot", DiskBytes, () => new ReadOnlyView(Disk.Open()), "the disk, read-only");
        _server = new NbdServer(Socket, Exports, new NbdServerOptions { Log = (level, text) => Messages.Enqueue($"{level}: {text}") });
        _server.Start();
    }

    public TempDirectory Directory { get; } = new();

    public MemoryBlockDevice Disk { get; } = new(DiskBytes);

    public MemoryExports Exports { get; }

    public ConcurrentQueue<string> Messages { get; } = [];

    public int ConnectionCount => _server.ConnectionCount;

    public string Socket => Directory.File("nbd.sock");

    public string Uri(string export = "disk") => $"nbd+unix:///{export}?socket={Socket}";

    /// <summary>Makes a file of the disk's size: stretches of random bytes, and holes between them.</summary>
    public string SparseImage(int seed)
    {
        var random = new Random(seed);
        var path = Directory.SparseFile($"image{seed}", DiskBytes);
        using var file = new FileStream(path, FileMode.Open);
        for (long at = 0; at < DiskBytes; at += 1 << 20)
        {
            if (random.Next(3) == 0)
                continue;
            var bytes = new byte[random.Next(1 << 20)];
            random.NextBytes(bytes);
            file.Position = at;
            file.Write(bytes);
        }
        return path;
    }

    /// <summary>Stops the server and checks that every client's handle was given back.</summary>
    public void Dispose()
    {
        _server.Dispose();
        Directory.Dispose();
        if ((Disk.OpenHandles, Disk.OpenQueues) != (0, 0))
            throw new InvalidOperationException($"handles and queues left: {Disk.OpenHandles}, {Disk.OpenQueues}");
    }

    private sealed class ReadOnlyView(IBlockDevice inner) : IBlockDevice
    {
        public long LengthBytes => inner.LengthBytes;

        public bool IsReadOnly => true;

        public int PreferredBytes => inner.PreferredBytes;

        public IBlockQueue OpenQueue() => inner.OpenQueue();

        public void Dispose() => inner.Dispose();
    }
}
