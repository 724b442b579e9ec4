namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>What goes wrong with one request.</summary>
internal sealed record ApiFault
{
    /// <summary>Answered with this code instead of the right answer; 0: not answered so.</summary>
    public int Code { get; init; }

    public string Reason { get; init; } = "InternalError";

    public string Message { get; init; } = "as the test wants";

    public int? RetryAfterSeconds { get; init; }

    /// <summary>The connection is cut instead of an answer.</summary>
    public bool IsCut { get; init; }

    /// <summary>Nothing is answered until the client goes.</summary>
    public bool IsSilent { get; init; }

    /// <summary>What was asked for is done all the same; only the answer is lost.</summary>
    public bool IsDoneFirst { get; init; }
}
