using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>Names the client's end of a connection as gRPC does.</summary>
internal static class PeerAddress
{
    public static string Of(ConnectionInfo connection) => connection.RemoteIpAddress switch
    {
        // A client of a unix socket has no address of its own.
        null => "unix:",
        { AddressFamily: AddressFamily.InterNetworkV6 } v6 => $"ipv6:[{v6}]:{connection.RemotePort}",
        var v4 => $"ipv4:{v4}:{connection.RemotePort}",
    };
}
