using System.Runtime.InteropServices;

namespace CsiThin.Driver.Cli;

/// <summary>
/// SIGTERM or SIGINT as something to wait for. The first one is taken; a second one, while the server is closing, ends the process at once.
/// </summary>
internal sealed class Termination : IDisposable
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Begins to listen.</summary>
    public Termination() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Take),
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Take),
    ];

    /// <summary>Returns when one of the signals has come, or <paramref name="cancellation"/>.</summary>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        await using (cancellation.Register(() => _asked.TrySetResult()).ConfigureAwait(false))
            await _asked.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());

    private void Take(PosixSignalContext context) => context.Cancel = _asked.TrySetResult();
}
