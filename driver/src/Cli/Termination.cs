using System.Runtime.InteropServices;

namespace CsiThin.Driver.Cli;

/// <summary>What asked the process to end.</summary>
internal enum TerminationSignal
{
    /// <summary>Nothing did.</summary>
    None,

    /// <summary>SIGINT, Ctrl-C.</summary>
    Interrupt,

    /// <summary>SIGTERM.</summary>
    Terminate,
}

/// <summary>
/// SIGTERM or SIGINT as something to wait for. The first one is taken, and the second where somebody makes use of it; the one after that,
/// while the server is closing, ends the process at once.
/// </summary>
internal sealed class Termination : IDisposable
{
    private readonly bool _takesSecond;
    private readonly CancellationTokenSource _asked = new();
    private readonly CancellationTokenSource _insisted = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Lock _lock = new();
    private bool _isOver;

    /// <summary>Begins to listen.</summary>
    public Termination(bool takesSecond = false)
    {
        _takesSecond = takesSecond;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Take(context, TerminationSignal.Terminate)),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Take(context, TerminationSignal.Interrupt)),
        ];
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _asked.Token;

    /// <summary>Cancelled by the second signal, if that is taken.</summary>
    public CancellationToken Insisted => _insisted.Token;

    /// <summary>The first signal.</summary>
    public TerminationSignal Signal { get; private set; }

    /// <summary>Returns when one of the signals has come, or <paramref name="cancellation"/>.</summary>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_asked.Token, cancellation);
        await using (either.Token.Register(asked.SetResult).ConfigureAwait(false))
            await asked.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Array.ForEach(_registrations, registration => registration.Dispose());
        lock (_lock)
            _isOver = true; // a signal may be on its way still
        _asked.Dispose();
        _insisted.Dispose();
    }

    private void Take(PosixSignalContext context, TerminationSignal signal)
    {
        lock (_lock)
        {
            var isFirst = Signal == TerminationSignal.None;
            if (_isOver || !(isFirst || (_takesSecond && !_insisted.IsCancellationRequested)))
                return;
            context.Cancel = true;
            if (!isFirst)
            {
                _insisted.Cancel();
                return;
            }

            Signal = signal;
            _asked.Cancel();
        }
    }
}
