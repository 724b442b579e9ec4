namespace CsiThin.Core.Tests.Support;

/// <summary>A clock whose timers fire when the test says so.</summary>
internal sealed class ManualTimeProvider : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];

    /// <summary>Timers waiting to fire.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _timers.Count;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        lock (_gate)
            _timers.Add(timer);
        return timer;
    }

    /// <summary>Lets every waiting timer fire, as if its time had passed.</summary>
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

    private sealed class ManualTimer(ManualTimeProvider owner, TimerCallback callback, object? state) : ITimer
    {
        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException("nobody changes a timer here");

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
