using CsiThin.Driver.Rpc.Server;
using Microsoft.AspNetCore.Http;

namespace Grpc.Core;

/// <summary>The way from a call to the HTTP request below it.</summary>
public static class ServerCallContextExtensions
{
    /// <summary>The request; throws <see cref="InvalidOperationException"/> for a context that is not the server's own.</summary>
    public static HttpContext GetHttpContext(this ServerCallContext serverCallContext) =>
        serverCallContext is HttpServerCallContext call
            ? call.HttpContext
            : throw new InvalidOperationException("this call context did not come from an HTTP server");
}
