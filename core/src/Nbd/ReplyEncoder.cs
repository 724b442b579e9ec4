using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>
/// Writes the reply of a finished request: a head in the request's own place and, where there is data, how much of its buffer follows.
/// Reads are answered in one chunk, so DF is always kept. Writes and the like get a simple reply, which is allowed and shorter, even
/// where structured ones were negotiated.
/// </summary>
internal static class ReplyEncoder
{
    /// <summary>The buffer of a block status: one page of extents is enough for one answer, the client asks on.</summary>
    public const int StatusPayloadBytes = AlignedBuffer.AlignmentBytes;

    /// <summary>Extents that fit it.</summary>
    public const int MaxExtents = (StatusPayloadBytes - 4) / 8;

    /// <summary>Encodes the outcome of <paramref name="request"/>. A failed request's buffer is never sent.</summary>
    public static void Encode(NbdRequest request, NbdSession session)
    {
        if (request.Errno == NbdErrno.None && request.Command == NbdCommand.BlockStatus)
            EncodeStatus(request);
        if (request.Errno != NbdErrno.None)
            EncodeError(request, session);
        else if (request.Command == NbdCommand.Read)
            EncodeRead(request, session);
        else if (request.Command != NbdCommand.BlockStatus)
            request.HeadBytes = NbdWire.EncodeSimpleReply(request.Head, NbdErrno.None, request.Header.Cookie);
    }

    private static void EncodeError(NbdRequest request, NbdSession session)
    {
        request.DataBytes = 0;
        request.HeadBytes = session.StructuredReplies
            ? NbdWire.EncodeErrorChunk(request.Head, request.Header.Cookie, request.Errno, NbdErrors.Message(request.Errno))
            : NbdWire.EncodeSimpleReply(request.Head, request.Errno, request.Header.Cookie);
    }

    private static void EncodeRead(NbdRequest request, NbdSession session)
    {
        request.DataBytes = (int)request.LengthBytes;
        request.HeadBytes = !session.StructuredReplies
            ? NbdWire.EncodeSimpleReply(request.Head, NbdErrno.None, request.Header.Cookie)
            : request.DataBytes == 0
                ? NbdWire.EncodeOnlyChunk(request.Head, NbdChunk.None, request.Header.Cookie, 0)
                : NbdWire.EncodeReadChunk(request.Head, request.Header.Cookie, request.OffsetBytes, request.DataBytes);
    }

    private static void EncodeStatus(NbdRequest request)
    {
        var payload = request.Buffer!.Span;
        var bytes = NbdWire.EncodeExtents(payload[..StatusPayloadBytes], request.Extents, request.LengthBytes);
        if (bytes == 4)
        {
            // The seam promises one extent at least; a device that breaks the promise has failed.
            request.Errno = NbdErrno.Io;
            return;
        }
        request.DataBytes = bytes;
        request.HeadBytes = NbdWire.EncodeOnlyChunk(request.Head, NbdChunk.BlockStatus, request.Header.Cookie, bytes);
    }
}
