namespace Grpc.Core;

/// <summary>Thrown by a service to end its call with a status, and by a client when a call did not end with OK.</summary>
public sealed class RpcException : Exception
{
    /// <summary>Ends with <paramref name="status"/>, no trailers.</summary>
    public RpcException(Status status)
        : this(status, Metadata.Empty)
    {
    }

    /// <summary>As above; <paramref name="message"/> is for local logs, the wire carries the status's detail.</summary>
    public RpcException(Status status, string message)
        : this(status, Metadata.Empty, message)
    {
    }

    /// <summary>Ends with <paramref name="status"/>; <paramref name="trailers"/> are sent beside it.</summary>
    public RpcException(Status status, Metadata trailers)
        : this(status, trailers, status.ToString())
    {
    }

    /// <summary>All parts given.</summary>
    public RpcException(Status status, Metadata trailers, string message)
        : base(message, status.DebugException)
    {
        ArgumentNullException.ThrowIfNull(trailers);
        Status = status;
        Trailers = trailers;
    }

    public Status Status { get; }

    /// <summary>Short for <c>Status.StatusCode</c>, made for exception filters.</summary>
    public StatusCode StatusCode => Status.StatusCode;

    /// <summary>The metadata that came, or will go, beside the status.</summary>
    public Metadata Trailers { get; }
}
