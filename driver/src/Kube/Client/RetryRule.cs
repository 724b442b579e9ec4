namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// When a request is made again by itself, and after what wait. A request that changes something and cannot be repeated is made again only
/// where the server says that it did nothing: 429, or any answer with Retry-After (as client-go does).
/// </summary>
internal sealed class RetryRule(KubeCall call)
{
    private const int TriesMax = 4;

    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(20));
    private int _tries = 1;

    /// <summary>The wait before the next try, or null to give up.</summary>
    public TimeSpan? WaitAfter(KubeException failure)
    {
        var didNothing = failure.Error == KubeError.TooManyRequests || failure.RetryAfter is not null;
        if (!failure.IsPassing || call.IsStream || _tries >= TriesMax || !(call.IsRepeatable || didNothing))
            return null;
        _tries++;
        return _backoff.Next(failure.RetryAfter);
    }
}
