using System.Diagnostics;

namespace CsiThin.Core.Metadata;

/// <summary>
/// A reader-writer lock for very short sections in memory: any number of readers, one writing thread. Never held across disk I/O.
/// <para>
/// What it guards: the dictionary of the block cache, the bytes of mapping-tree nodes a reader can reach, and the roots and times kept
/// per device. The writing thread reads all of these without it, because nobody else changes them. Readers count themselves in stripes by
/// thread, so that they do not fight over one cache line; the writer raises a flag and waits until no stripe has a reader. Waiting is by
/// spinning: sections last about a microsecond.
/// </para>
/// </summary>
internal sealed class Gate
{
    private const int Stripes = 8;

    /// <summary>Distance of stripes in ints: 128 bytes, two cache lines, as processors prefetch pairs.</summary>
    private const int Stride = 32;

    private readonly int[] _readers = new int[(Stripes + 1) * Stride];
    private int _isWriting;

    /// <summary>Begins a writing section that ends with the value's disposal. Not to be nested.</summary>
    public Section Write()
    {
        var before = Interlocked.Exchange(ref _isWriting, 1);
        Debug.Assert(before == 0, "a second writer, or a nested writing section");
        for (var stripe = 1; stripe <= Stripes; stripe++)
        {
            var spinner = default(SpinWait);
            while (Volatile.Read(ref _readers[stripe * Stride]) != 0)
                spinner.SpinOnce(sleep1Threshold: -1);
        }
        return new Section(this);
    }

    /// <summary>Begins a reading section on the calling thread. To be paired with <see cref="ExitRead"/> on the same thread.</summary>
    public void EnterRead()
    {
        ref var mine = ref Mine();
        var spinner = default(SpinWait);
        while (true)
        {
            // A full fence: either the writer sees this reader, or this reader sees the flag.
            Interlocked.Increment(ref mine);
            if (Volatile.Read(ref _isWriting) == 0)
                return;
            Interlocked.Decrement(ref mine);
            while (Volatile.Read(ref _isWriting) != 0)
                spinner.SpinOnce(sleep1Threshold: -1);
        }
    }

    public void ExitRead() => Interlocked.Decrement(ref Mine());

    private ref int Mine() => ref _readers[((Environment.CurrentManagedThreadId % Stripes) + 1) * Stride];

    /// <summary>A writing section; the default value is none at all, for trees no reader looks at.</summary>
    internal readonly ref struct Section(Gate gate)
    {
        private readonly Gate? _gate = gate;

        public void Dispose()
        {
            if (_gate != null)
                Volatile.Write(ref _gate._isWriting, 0);
        }
    }
}
