namespace CsiThin.Driver.Kube.Events;

/// <summary>How many events one object may have: twenty at once, and one more each minute. Guarded by whoever holds it.</summary>
internal sealed class EventAllowance(TimeProvider time)
{
    private const double Burst = 20;
    private static readonly TimeSpan RefillPeriod = TimeSpan.FromMinutes(1);

    private double _left = Burst;
    private long _at = time.GetTimestamp();

    /// <summary>Takes one, if one is left.</summary>
    public bool TryTake()
    {
        var now = time.GetTimestamp();
        _left = Math.Min(Burst, _left + (time.GetElapsedTime(_at, now) / RefillPeriod));
        _at = now;
        if (_left < 1)
            return false;
        _left--;
        return true;
    }
}
