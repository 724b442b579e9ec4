using CsiThin.Core.Device.Sockets;

namespace CsiThin.Core.Nbd;

/// <summary>
/// How other threads reach a connection's thread: a flag that only ever goes from false to true, and a descriptor that wakes it.
/// <para>
/// Concurrency: the flags are volatile, and set by any thread at any time, even after disposing. <c>_gate</c> guards the life of the
/// descriptor: without it a late signal could be written into a file that was given the same number.
/// </para>
/// </summary>
internal sealed class ConnectionControl : IDisposable
{
    private readonly WakeEvent _wake = new();
    private readonly Lock _gate = new();
    private bool _isDisposed;
    private volatile bool _stop;
    private volatile bool _abandon;
    private volatile bool _handshakeExpired;

    /// <summary>Take no more requests, finish those in flight, send their replies, end.</summary>
    public bool StopRequested => _stop;

    /// <summary>End without sending what is left.</summary>
    public bool IsAbandoned => _abandon;

    /// <summary>The time for the handshake has run out.</summary>
    public bool HandshakeExpired => _handshakeExpired;

    /// <summary>Polls readable after each change.</summary>
    public int Descriptor => _wake.Descriptor;

    /// <summary>Asks for an orderly end.</summary>
    public void Stop()
    {
        _stop = true;
        Signal();
    }

    /// <summary>Asks for an end without the client's help.</summary>
    public void Abandon()
    {
        _stop = true;
        _abandon = true;
        Signal();
    }

    /// <summary>Ends a handshake that takes too long.</summary>
    public void ExpireHandshake()
    {
        _handshakeExpired = true;
        Signal();
    }

    /// <summary>Makes <see cref="Descriptor"/> unreadable; look at the flags afterwards.</summary>
    public void ClearWake() => _ = _wake.Clear();

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _wake.Dispose();
        }
    }

    private void Signal()
    {
        lock (_gate)
        {
            if (!_isDisposed)
                _wake.Signal();
        }
    }
}
