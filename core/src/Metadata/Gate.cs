using System.Diagnostics;

namespace CsiThin.Core.Metadata;

/// <summary>
/// A reader-writer lock for very short sections in memory: any number of readers, one writing thread. Never held across disk I/O.
/// <para>
/// What it guards: the dictionary of the block cache, the bytes of mapping-tree nodes a reader can reach, and the roots and times kept per device.
/// The writing thread reads all of these without it, because nobody else changes them. Waiting is by spinning: sections last about a microsecond.
/// </para>
/// </summary>
internal sealed class Gate
{
    /// <summary>Added while the writer holds or waits, which makes the count of readers negative.</summary>
    private const int Writer = int.MinValue;

    private int _state;

    /// <summary>Begins a writing section that ends with the value's disposal. Not to be nested.</summary>
    public Section Write()
    {
        var before = Interlocked.Add(ref _state, Writer);
        Debug.Assert(before < 0, "a second writer, or a nested writing section");
        var spinner = default(SpinWait);
        while (Volatile.Read(ref _state) != Writer)
            spinner.SpinOnce(sleep1Threshold: -1);
        return new Section(this);
    }

    /// <summary>Begins a reading section. To be paired with <see cref="ExitRead"/>.</summary>
    public void EnterRead()
    {
        var spinner = default(SpinWait);
        while (Interlocked.Increment(ref _state) < 0)
        {
            Interlocked.Decrement(ref _state);
            while (Volatile.Read(ref _state) < 0)
                spinner.SpinOnce(sleep1Threshold: -1);
        }
    }

    public void ExitRead() => Interlocked.Decrement(ref _state);

    /// <summary>A writing section; the default value is none at all, for trees no reader looks at.</summary>
    internal readonly ref struct Section(Gate gate)
    {
        private readonly Gate? _gate = gate;

        public void Dispose()
        {
            if (_gate != null)
                Interlocked.Add(ref _gate._state, Writer);
        }
    }
}
