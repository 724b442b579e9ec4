using System.Globalization;
using System.Numerics;

namespace CsiThin.Core.Nbd;

/// <summary>
/// Logs what requests failed with before the detail is reduced to an errno on the wire; the 1st, 2nd, 4th, 8th ... of a connection, so
/// that a disk that fails everything does not drown the log.
/// <para>Concurrency: the connection's thread alone.</para>
/// </summary>
internal sealed class FailureLog(NbdLog? log, string who)
{
    private uint _count;

    /// <summary>Notes a failed request.</summary>
    public void Note(NbdRequest request)
    {
        _count++;
        if (log is null || !BitOperations.IsPow2(_count))
            return;
        var header = request.Header;
        var isOurs = request.Errno is NbdErrno.Io or NbdErrno.NoMemory;
        log(isOurs ? NbdLogLevel.Error : NbdLogLevel.Warning, string.Create(
            CultureInfo.InvariantCulture,
            $"{who}: {header.Command} of {header.Length} bytes at {header.Offset}, flags 0x{(ushort)header.Flags:x}, failed: "
            + $"{request.Errno} (device: {request.Error}); failures so far: {_count}"));
    }
}
