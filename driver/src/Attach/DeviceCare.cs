namespace CsiThin.Driver.Attach;

/// <summary>
/// The care for one device, by one task at a time. What it is asked for while it is at work may have come too late for the look it has
/// taken, so it is done once more then; and nobody else is told, for two devices that woke each other would never come to rest.
/// <para>Concurrency: any thread; <c>_gate</c> guards all.</para>
/// </summary>
internal sealed class DeviceCare(Func<Task> mend)
{
    private readonly Lock _gate = new();
    private bool _isWanted;
    private bool _isAtWork;
    private Task _running = Task.CompletedTask;

    /// <summary>Ends when nothing is to be done for it.</summary>
    public Task Running
    {
        get
        {
            lock (_gate)
                return _running;
        }
    }

    /// <summary>Begins, or sees to it that it is done again.</summary>
    public void Ask()
    {
        lock (_gate)
        {
            _isWanted = true;
            if (_isAtWork)
                return;
            _isAtWork = true;
            _running = Task.Run(WorkAsync);
        }
    }

    private async Task WorkAsync()
    {
        while (TakeWanted())
            await mend().ConfigureAwait(false);
    }

    private bool TakeWanted()
    {
        lock (_gate)
        {
            (_isAtWork, _isWanted) = (_isWanted, false);
            return _isAtWork;
        }
    }
}
