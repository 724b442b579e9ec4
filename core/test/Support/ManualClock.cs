namespace CsiThin.Core.Tests.Support;

/// <summary>
/// A clock that stands until the test moves it; timers fire in <see cref="Advance"/>, each at its own moment. For hours that pass in a
/// test; where only "the time is over" matters, <see cref="ManualTimeProvider"/> does.
/// </summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return _now;
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        lock (_gate)
        {
            timer.DueAt = DueAt(dueTime);
            _timers.Add(timer);
        }

        return timer;
    }

    /// <summary>Moves the clock, and lets every timer fire whose time comes meanwhile.</summary>
    public void Advance(TimeSpan span)
    {
        var end = GetUtcNow() + span;
        while (TakeDue(end) is { } timer)
            timer.Fire();
    }

    // The clock stands at the timer's own moment while it fires, and at the end when none is left.
    private ManualTimer? TakeDue(DateTimeOffset end)
    {
        lock (_gate)
        {
            var timer = _timers.Where(one => one.DueAt <= end).MinBy(one => one.DueAt);
            _now = timer?.DueAt > _now ? timer.DueAt.Value : timer is null ? end : _now;
            timer?.DueAt = null;
            return timer;
        }
    }

    private DateTimeOffset? DueAt(TimeSpan dueTime) => dueTime == Timeout.InfiniteTimeSpan ? null : _now + dueTime;

    private sealed class ManualTimer(ManualClock owner, TimerCallback callback, object? state) : ITimer
    {
        /// <summary>Null: not set. Guarded by the owner's gate.</summary>
        public DateTimeOffset? DueAt { get; set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._gate)
                DueAt = owner.DueAt(dueTime);
            return true;
        }

        public void Dispose()
        {
            lock (owner._gate)
                owner._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
