namespace CsiThin.Driver.Tests.Attach;

/// <summary>A clock that moves when it is told to.</summary>
internal sealed class PassingTime : TimeProvider
{
    private long _ticks = 1;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public void Pass(TimeSpan time) => _ticks += time.Ticks;
}
