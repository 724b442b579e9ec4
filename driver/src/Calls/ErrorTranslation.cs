using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Grpc.Core;

namespace CsiThin.Driver.Calls;

/// <summary>
/// The one place where the words of the floors below become gRPC's codes, and come back from them. Messages pass unchanged: they were
/// written for the caller. Codes are fewer than kinds, so the kind travels beside the code in a trailer, and a caller in another process
/// of ours catches what a caller in this one would.
/// </summary>
internal static class ErrorTranslation
{
    private const string KindTrailer = "csithin-error";
    private const string VolumeWord = "volume ";
    private const string PoolWord = "pool ";

    /// <summary>The status to answer, or null for an exception that is nobody's intention: a defect, told to the log alone.</summary>
    public static Status? ToStatus(Exception exception) => exception switch
    {
        RpcException rpc => rpc.Status,
        VolumeException volume => new Status(ToCode(volume.Error), volume.Message),
        PoolException pool => new Status(ToCode(pool.Error), pool.Message),
        _ => null,
    };

    /// <summary>What goes beside the status.</summary>
    public static Metadata ToTrailers(Exception exception) => exception switch
    {
        RpcException rpc => rpc.Trailers,
        VolumeException volume => new Metadata { { KindTrailer, VolumeWord + volume.Error } },
        PoolException pool => new Metadata { { KindTrailer, PoolWord + pool.Error } },
        _ => Metadata.Empty,
    };

    /// <summary>The exception that the other side threw, or null when it was none of the floors below.</summary>
    public static Exception? FromRpc(RpcException failure)
    {
        var kind = failure.Trailers.GetValue(KindTrailer) ?? "";
        if (kind.StartsWith(VolumeWord, StringComparison.Ordinal) && Enum.TryParse<VolumeError>(kind[VolumeWord.Length..], out var volume))
            return new VolumeException(volume, failure.Status.Detail);
        if (kind.StartsWith(PoolWord, StringComparison.Ordinal) && Enum.TryParse<PoolError>(kind[PoolWord.Length..], out var pool))
            return new PoolException(pool, failure.Status.Detail, failure);
        return null;
    }

    private static StatusCode ToCode(VolumeError error) => error switch
    {
        VolumeError.InvalidArgument => StatusCode.InvalidArgument,
        VolumeError.OutOfRange => StatusCode.OutOfRange,
        VolumeError.Exists => StatusCode.AlreadyExists,
        VolumeError.NotFound => StatusCode.NotFound,
        VolumeError.PoolAbsent => StatusCode.FailedPrecondition,
        VolumeError.Aborted => StatusCode.Aborted,
        VolumeError.NoPool => StatusCode.ResourceExhausted,
        VolumeError.Busy or VolumeError.Incompatible or VolumeError.HostUnfit => StatusCode.FailedPrecondition,
        VolumeError.Unavailable => StatusCode.Unavailable,
        VolumeError.TimedOut => StatusCode.DeadlineExceeded,
        VolumeError.HostFailed => StatusCode.Internal,
        _ => StatusCode.Internal,
    };

    private static StatusCode ToCode(PoolError error) => error switch
    {
        PoolError.InvalidArgument => StatusCode.InvalidArgument,
        PoolError.OutOfRange => StatusCode.OutOfRange,
        PoolError.Exists => StatusCode.AlreadyExists,
        PoolError.NotFound => StatusCode.NotFound,
        PoolError.Busy => StatusCode.FailedPrecondition, // CSI: "Volume in use"
        PoolError.NoSpace => StatusCode.ResourceExhausted,
        PoolError.Degraded => StatusCode.FailedPrecondition,
        PoolError.ShuttingDown => StatusCode.Unavailable, // the caller tries again, by then a new process answers
        _ => StatusCode.Internal, // the disk or what is on it: HoldsData, NotAPool, Corrupt, Unsupported, Io
    };
}
