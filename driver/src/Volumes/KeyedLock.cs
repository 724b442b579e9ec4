namespace CsiThin.Driver.Volumes;

/// <summary>
/// One lock per key, alive only while somebody holds or awaits it, so that the table never grows with the names seen.
/// <para>Concurrency: <c>_entries</c> and every <c>Users</c> count are guarded by the table's own monitor, never held across a wait.</para>
/// </summary>
internal sealed class KeyedLock
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Keys held or awaited at this moment.</summary>
    public int Count
    {
        get
        {
            lock (_entries)
                return _entries.Count;
        }
    }

    /// <summary>
    /// Takes the lock of <paramref name="key"/>; dispose the result to release it. Null when <paramref name="wait"/> passed first.
    /// </summary>
    public async Task<IDisposable?> AcquireAsync(string key, TimeSpan wait, CancellationToken cancellation)
    {
        var entry = Enter(key);
        var taken = false;
        try
        {
            taken = await entry.Gate.WaitAsync(wait, cancellation).ConfigureAwait(false);
            return taken ? new Holder(this, key, entry) : null;
        }
        finally
        {
            if (!taken)
                Leave(key, entry);
        }
    }

    private Entry Enter(string key)
    {
        lock (_entries)
        {
            if (!_entries.TryGetValue(key, out var entry))
                _entries.Add(key, entry = new Entry());
            entry.Users++;
            return entry;
        }
    }

    private void Leave(string key, Entry entry)
    {
        lock (_entries)
        {
            if (--entry.Users > 0)
                return;
            _entries.Remove(key);
            entry.Gate.Dispose();
        }
    }

    private sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public int Users { get; set; }
    }

    private sealed class Holder(KeyedLock owner, string key, Entry entry) : IDisposable
    {
        private int _released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) != 0)
                return;
            entry.Gate.Release();
            owner.Leave(key, entry);
        }
    }
}
