using CsiThin.Core.Nbd;
using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Bench;

/// <summary>
/// <c>nbd-memory SOCKET [MIB]</c>: serves a RAM device as export "" until its standard input ends, so that the wire can be measured by
/// itself, with any client.
/// </summary>
internal static class NbdMemoryServer
{
    public static int Run(string socketPath, int mebibytes)
    {
        var exports = new MemoryExports().With("", new MemoryBlockDevice((long)mebibytes << 20), "memory");
        var options = new NbdServerOptions { Log = Tell };
        using var server = new NbdServer(socketPath, exports, options);
        server.Start();
        Console.WriteLine("serving");
        while (Console.In.Read() >= 0)
        {
        }
        return 0;
    }

    private static void Tell(NbdLogLevel level, string message)
    {
        if (level != NbdLogLevel.Debug)
            Console.Error.WriteLine($"{level}: {message}");
    }
}
