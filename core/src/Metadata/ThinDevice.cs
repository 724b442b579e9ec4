using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// An open thin device: while it lives the device cannot be deleted. Handles of one device share its state; disposing closes this one, on
/// any thread, and never writes. The properties may be read by any thread.
/// </summary>
public sealed class ThinDevice : IDisposable
{
    private int _isClosed;

    internal ThinDevice(DeviceState state)
    {
        State = state;
        state.Open();
    }

    /// <summary>Its id in the pool.</summary>
    public ThinId Id => State.Id;

    /// <summary>How many blocks are mapped, changes of this transaction included.</summary>
    public ulong MappedBlocks => State.MappedBlocks;

    /// <summary>A mapping was inserted or removed, or a snapshot taken, since the last commit.</summary>
    public bool ChangedThisTransaction => State.IsChanged;

    /// <summary>An abort took changes of this device back: what its user wrote since the commit before is lost.</summary>
    public bool AbortedWithChanges => State.WasAbortedWithChanges;

    internal DeviceState State { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
            State.Close();
    }
}
