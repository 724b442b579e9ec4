namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// Waits that double up to a bound, each by chance cut to between half and all of it, so that a thousand nodes do not return at one moment.
/// Used by one thread at a time.
/// </summary>
internal sealed class Backoff(TimeSpan first, TimeSpan longest, Random? random = null)
{
    private readonly Random _random = random ?? Random.Shared;
    private int _tries;

    /// <summary>The next wait; what the server asked for is the least, up to the bound.</summary>
    public TimeSpan Next(TimeSpan? asked = null)
    {
        var whole = first.TotalMilliseconds * Math.Pow(2, Math.Min(_tries++, 30));
        var wait = TimeSpan.FromMilliseconds(Math.Min(whole, longest.TotalMilliseconds) * (0.5 + (_random.NextDouble() / 2)));
        return asked is not { } least || wait >= least ? wait : least < longest ? least : longest;
    }

    /// <summary>All is well again: the next wait is a first one.</summary>
    public void Reset() => _tries = 0;
}
