using System.Net;

namespace CsiThin.Driver.Tests.Rpc;

/// <summary>What came back for a request written by hand.</summary>
/// <param name="HttpStatus">HTTP's own status.</param>
/// <param name="Content">The body.</param>
/// <param name="Status">The value of grpc-status, null if there is none.</param>
/// <param name="Message">The value of grpc-message, still encoded.</param>
/// <param name="StatusIsInHeaders">True for an answer that is headers alone.</param>
/// <param name="Headers">The response headers.</param>
internal sealed record RawAnswer(
    HttpStatusCode HttpStatus,
    byte[] Content,
    string? Status,
    string Message,
    bool StatusIsInHeaders,
    IReadOnlyDictionary<string, string> Headers);
