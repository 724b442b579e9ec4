using System.Diagnostics;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Nbd;

/// <summary>
/// The transmission phase of one connection: one thread, one queue of the block device, batches in and batches out.
/// <para>
/// A round: (1) receive what has arrived, (2) submit every request that is complete and hand all of them to the device at once, (3)
/// collect what the device has finished, (4) send all finished replies in one call. When a round moved nothing: wait for the socket, the
/// device or a stop.
/// </para>
/// <para>
/// Never waits in a send while the client waits for us to receive: sending is non-blocking and goes on when the socket takes more.
/// Memory is bounded by the request pool: without a free slot nothing is received, which is the client's back-pressure.
/// </para>
/// <para>
/// Ends when no more requests come (disconnect, end of stream, broken stream, stop), nothing is in flight on the device (what only waited
/// for space is dropped) and every reply was sent, or cannot be any more.
/// </para>
/// </summary>
internal sealed class Transmission : IDisposable
{
    private const int IdleKeptBytes = 1 << 20;
    private const int IdleTrimMs = 1000;
    private const int SocketPlace = 0;
    private const int ControlPlace = 1;
    private const int DevicePlace = 2;
    private const int MaxDeviceDescriptors = 2;

    private readonly StreamSocket _socket;
    private readonly ConnectionControl _control;
    private readonly NbdSession _session;
    private readonly TrafficCounters _counters;
    private readonly TimeProvider _time;
    private readonly FailureLog _failures;
    private readonly IBlockQueue _queue;
    private readonly RequestPool _pool;
    private readonly RequestReader _reader;
    private readonly ReplyQueue _replies;
    private readonly PollSet _poll = new(DevicePlace + MaxDeviceDescriptors);
    private readonly BlockRequest[] _finished = new BlockRequest[64];
    private bool _readable = true;
    private bool _writable = true;
    private bool _outputBroken;
    private bool _cancelled;

    /// <summary>Opens a queue of <paramref name="device"/>. Socket, buffer and device stay the caller's.</summary>
    public Transmission(
        StreamSocket socket, ReceiveBuffer input, ConnectionControl control, IBlockDevice device, NbdSession session,
        NbdServerOptions options, TrafficCounters counters, FailureLog failures)
    {
        _socket = socket;
        _control = control;
        _session = session;
        _counters = counters;
        _time = options.TimeProvider;
        _failures = failures;
        _queue = device.OpenQueue();
        _pool = new RequestPool(options.MaxRequests, options.MaxPayloadBytes);
        _reader = new RequestReader(socket, input, _pool, session, device);
        _replies = new ReplyQueue(_pool);
    }

    /// <summary>Why the stream ended when that was not orderly, else null.</summary>
    public string? EndReason => _reader.EndReason;

    /// <summary>Serves until the end, see the type.</summary>
    public void Run()
    {
        while (true)
        {
            var moved = ReceiveArrived();
            moved |= SubmitArrived();
            if (_reader.IsEnded)
                CancelWaiting();
            moved |= CollectFinished();
            moved |= SendReplies();
            if (_reader.IsEnded && _queue.InFlight == 0 && _replies.IsEmpty)
                return;
            if (!moved)
                Wait();
        }
    }

    /// <summary>Waits for what the device has in flight, then frees the memory it may have been using.</summary>
    public void Dispose()
    {
        _queue.Dispose();
        _replies.Dispose();
        _pool.Dispose();
        _poll.Dispose();
    }

    private bool ReceiveArrived()
    {
        if (!_readable || _reader.IsEnded || _reader.IsStalled)
            return false;
        var received = _reader.Receive(out var mayHaveMore);
        _readable = received && mayHaveMore;
        return received;
    }

    private bool SubmitArrived()
    {
        var submitted = false;
        // One look at the clock for all that arrived together, and one for all that was finished together: a request must not pay for it.
        long now = 0;
        var any = false;
        while (_reader.Next() is { } request)
        {
            now = any ? now : _time.GetTimestamp();
            any = true;
            _counters.Begin();
            request.ArrivedAt = now;
            if (request.IsForDevice && !(request.Command == NbdCommand.Flush && _session.IsReadOnly))
            {
                _queue.Submit(request);
                submitted = true;
            }
            else
            {
                Answer(request, now);
            }
        }
        if (submitted)
            _queue.Kick();
        return any;
    }

    private bool CollectFinished()
    {
        if (_queue.InFlight == 0)
            return false;
        var any = false;
        while (_queue.Reap(_finished) is var count and > 0)
        {
            any = true;
            var now = _time.GetTimestamp();
            foreach (var finished in _finished.AsSpan(0, count))
            {
                var request = (NbdRequest)finished;
                if (_cancelled && finished.Error == BlockError.ShuttingDown)
                {
                    _counters.Drop();
                    _pool.Release(request);
                    continue;
                }
                request.Errno = NbdErrors.Of(request.Error, request.Command);
                Answer(request, now);
            }
        }
        return any;
    }

    /// <summary>
    /// What waits for space would keep the end waiting for a minute. It is dropped without an answer: an error would be the last word to a
    /// client (the kernel) that sends it again, on its next connection, when it gets none.
    /// </summary>
    private void CancelWaiting()
    {
        if (_cancelled || _queue.InFlight == 0)
            return;
        _cancelled = true;
        _queue.CancelWaiting();
    }

    private void Answer(NbdRequest request, long now)
    {
        ReplyEncoder.Encode(request, _session);
        _counters.Count(request, _time.GetElapsedTime(request.ArrivedAt, now));
        if (request.Errno != NbdErrno.None)
            _failures.Note(request);
        if (_outputBroken)
            _pool.Release(request);
        else
            _replies.Add(request);
    }

    private bool SendReplies()
    {
        if (_replies.IsEmpty || !_writable)
            return false;
        var sent = _replies.Send(_socket, out var all);
        _writable = all;
        // What was sent may have been answered by new requests while the rest still waits for its turn.
        _readable |= sent > 0 && !_replies.IsEmpty;
        if (sent < 0 && sent != StreamSocket.WouldBlock)
            BreakOutput($"sending failed with errno {-sent}");
        return sent != StreamSocket.WouldBlock;
    }

    private void BreakOutput(string? reason)
    {
        _outputBroken = true;
        _replies.Clear();
        _reader.End(reason);
    }

    private void Wait()
    {
        var wanted = _reader.IsEnded || _reader.IsStalled ? 0 : PollSet.Readable;
        if (!_replies.IsEmpty)
            wanted |= PollSet.Writable;
        _poll.Set(SocketPlace, _socket.Descriptor, (short)wanted);
        _poll.Set(ControlPlace, _control.Descriptor, PollSet.Readable);
        var descriptors = _queue.InFlight > 0 ? _queue.WaitDescriptors : [];
        Debug.Assert(descriptors.Length <= MaxDeviceDescriptors, "the seam promises one or two");
        for (var i = 0; i < MaxDeviceDescriptors; i++)
            _poll.Set(DevicePlace + i, i < descriptors.Length ? descriptors[i] : -1, PollSet.Readable);

        var idle = _pool.InUse == 0 && _pool.KeptBytes > IdleKeptBytes;
        if (!_poll.Wait(idle ? IdleTrimMs : -1))
            _pool.TrimTo(IdleKeptBytes);
        _readable |= _poll.IsReady(SocketPlace, PollSet.Readable);
        _writable |= _poll.IsReady(SocketPlace, PollSet.Writable);
        if (_poll.IsReady(ControlPlace, PollSet.Readable))
            ObeyControl();
    }

    private void ObeyControl()
    {
        _control.ClearWake();
        if (_control.IsAbandoned)
            BreakOutput("the server did not wait any longer for the client to take its replies");
        else if (_control.StopRequested)
            _reader.End(null);
    }
}
