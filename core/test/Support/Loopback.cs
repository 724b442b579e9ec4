using System.Net;
using System.Net.Sockets;

namespace CsiThin.Core.Tests.Support;

/// <summary>Ports for programs that must be told one.</summary>
internal static class Loopback
{
    // Below what the kernel gives to those who ask for any port, other tests' programs among them, before ours has taken it
    // (net.ipv4.ip_local_port_range begins at 32768).
    private const int First = 20_000, End = 32_768;

    /// <summary>
    /// A port of the loopback address that nobody listens on at this moment, and that nobody is given who does not name it.
    /// </summary>
    public static int FreePort()
    {
        while (true)
        {
            using var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(First, End));
            try
            {
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // Somebody has that one.
            }
        }
    }
}
