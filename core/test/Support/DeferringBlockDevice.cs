using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Tests.Support;

/// <summary>
/// Wraps a memory device so that requests finish later, on another thread, in a shuffled order (repeatable by the seed as far as the
/// arrival of requests is), and so that a test can hold them all back. It answers through a descriptor, as a ring or the pool's worker
/// does.
/// </summary>
public sealed class DeferringBlockDevice(MemoryBlockDevice inner, int seed) : IBlockDevice
{
    private readonly ManualResetEventSlim _open = new(initialState: true);
    private int _submitted;

    /// <inheritdoc/>
    public long LengthBytes => inner.LengthBytes;

    /// <inheritdoc/>
    public bool IsReadOnly => inner.IsReadOnly;

    /// <inheritdoc/>
    public int PreferredBytes => inner.PreferredBytes;

    /// <summary>Requests submitted, ever.</summary>
    public int Submitted => Volatile.Read(ref _submitted);

    /// <summary>From now on nothing finishes.</summary>
    public void Hold() => _open.Reset();

    /// <summary>Lets everything finish.</summary>
    public void LetGo() => _open.Set();

    /// <summary>Counts a handle of the inner device and returns this.</summary>
    public DeferringBlockDevice Open()
    {
        inner.Open();
        return this;
    }

    /// <inheritdoc/>
    public IBlockQueue OpenQueue() => new DeferredQueue(this, inner.OpenQueue(), new Random(seed));

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private sealed class DeferredQueue : IBlockQueue
    {
        private readonly DeferringBlockDevice _device;
        private readonly IBlockQueue _inner;
        private readonly Random _random;
        private readonly WakeEvent _finishedEvent = new();
        private readonly int[] _descriptors;
        private readonly Lock _gate = new();
        private readonly AutoResetEvent _work = new(false);
        private readonly List<BlockRequest> _gathered = [];
        private readonly List<BlockRequest> _handedOver = [];
        private readonly Queue<BlockRequest> _finished = [];
        private readonly Thread _worker;
        private volatile bool _closing;

        public DeferredQueue(DeferringBlockDevice device, IBlockQueue inner, Random random)
        {
            _device = device;
            _inner = inner;
            _random = random;
            _descriptors = [_finishedEvent.Descriptor];
            _worker = new Thread(Work) { IsBackground = true };
            _worker.Start();
        }

        public int InFlight { get; private set; }

        public ReadOnlySpan<int> WaitDescriptors => _descriptors;

        public void Submit(BlockRequest request)
        {
            InFlight++;
            Interlocked.Increment(ref _device._submitted);
            _gathered.Add(request);
        }

        public void Kick()
        {
            lock (_gate)
                _handedOver.AddRange(_gathered);
            _gathered.Clear();
            _work.Set();
        }

        public int Reap(Span<BlockRequest> finished)
        {
            _finishedEvent.Clear();
            var count = 0;
            lock (_gate)
            {
                while (count < finished.Length && _finished.TryDequeue(out var request))
                    finished[count++] = request;
            }
            InFlight -= count;
            return count;
        }

        public void Dispose()
        {
            _closing = true;
            _work.Set();
            _worker.Join();
            _inner.Dispose();
            _finishedEvent.Dispose();
            _work.Dispose();
        }

        private void Work()
        {
            while (true)
            {
                _work.WaitOne();
                BlockRequest[] batch;
                lock (_gate)
                {
                    batch = [.. _handedOver];
                    _handedOver.Clear();
                }
                if (batch.Length > 0)
                    _device._open.Wait();
                _random.Shuffle(batch);
                foreach (var request in batch)
                    Finish(request);
                if (batch.Length == 0 && _closing)
                    return;
                if (_closing)
                    _work.Set();
            }
        }

        private void Finish(BlockRequest request)
        {
            var one = new BlockRequest[1];
            _inner.Submit(request);
            _inner.Kick();
            if (_inner.Reap(one) != 1)
                throw new InvalidOperationException("the memory device finishes everything in place");
            lock (_gate)
                _finished.Enqueue(one[0]);
            _finishedEvent.Signal();
        }
    }
}
