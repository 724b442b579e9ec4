namespace CsiThin.Driver.Tests.Router;

/// <summary>The system's clock, which a test may put forward.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private long _aheadTicks;

    public void Advance(TimeSpan by) => Interlocked.Add(ref _aheadTicks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _aheadTicks));

    public override long GetTimestamp() =>
        base.GetTimestamp() + (long)(Interlocked.Read(ref _aheadTicks) * ((double)TimestampFrequency / TimeSpan.TicksPerSecond));
}
