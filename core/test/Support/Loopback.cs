using System.Net;
using System.Net.Sockets;

namespace CsiThin.Core.Tests.Support;

/// <summary>Ports for programs that must be told one.</summary>
internal static class Loopback
{
    /// <summary>A port of the loopback address that nobody listens on at this moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
