namespace CsiThin.Core.Tests.Support;

/// <summary>
/// A clock that stands until the test moves it. Timers fire in <see cref="Advance"/> when their time has come, each at its own moment, or all
/// at once in <see cref="FireAll"/>.
/// </summary>
internal sealed class ManualTimeProvider : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Timers that exist.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _timers.Count;
        }
    }

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

    /// <summary>Lets every timer fire, as if its time had passed.</summary>
    public void FireAll()
    {
        ManualTimer[] due;
        lock (_gate)
            due = [.. _timers];
        foreach (var timer in due)
            timer.Fire();
    }

    /// <summary>Lets the timer fire that has waited longest.</summary>
    public void FireFirst()
    {
        ManualTimer first;
        lock (_gate)
            first = _timers[0];
        first.Fire();
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

    private sealed class ManualTimer(ManualTimeProvider owner, TimerCallback callback, object? state) : ITimer
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
