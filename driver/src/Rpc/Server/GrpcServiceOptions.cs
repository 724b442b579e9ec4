namespace Grpc.AspNetCore.Server;

/// <summary>Settings for every service of the application.</summary>
public sealed class GrpcServiceOptions
{
    /// <summary>The longest request taken in, in bytes; null for no limit. 4 MiB unless set.</summary>
    public int? MaxReceiveMessageSize { get; set; } = CsiThin.Driver.Rpc.Wire.MessageLimits.DefaultMaxReceiveBytes;

    /// <summary>The longest response sent, in bytes; null, the default, for no limit.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>Run for every call, the first one outermost.</summary>
    public InterceptorCollection Interceptors { get; } = [];
}
