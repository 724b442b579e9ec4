using CsiThin.Driver.Kube.Objects;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// A selection of objects kept as the server has it: list, then watch, and again from where the watch ended, for ever. What the server says
/// is taken whole or not at all, so whatever breaks in between, the state is one the server had, and in the end the one it has:
/// <list type="bullet">
/// <item>a watch that ends, breaks or falls silent goes on from the last resource version heard, bookmarks included;</item>
/// <item>a version that is gone (410), and a line that makes no sense, lead back to the list;</item>
/// <item>a change heard twice is one; resource versions are compared for equality alone.</item>
/// </list>
/// <para>Concurrency: one <see cref="RunAsync"/> writes; <see cref="State"/> is replaced whole and may be read by any thread.</para>
/// </summary>
internal sealed class Watcher<T>
    where T : KubeObject, IKubeObject
{
    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);

    private readonly IKubeClient _client;
    private readonly KubeSelection _selection;
    private readonly TimeProvider _time;
    private readonly FailureLog _failures;
    private readonly Backoff _backoff = new(WaitMin, WaitMax);
    private volatile WatcherState<T> _state = WatcherState<T>.Nothing;
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>Knows nothing until <see cref="RunAsync"/> is called.</summary>
    public Watcher(IKubeClient client, KubeSelection selection, ILogger log, TimeProvider? time = null)
    {
        _client = client;
        _selection = selection;
        _time = time ?? TimeProvider.System;
        _failures = new FailureLog(log, $"The watch of {T.Resource.FullName}", _time);
    }

    /// <summary>What is known now.</summary>
    public WatcherState<T> State => _state;

    /// <summary>Why the server could not be asked when it was asked last; null when all is well.</summary>
    public string? Failure => _failures.Reason;

    /// <summary>The first state behind <paramref name="number"/>; at once if it is there.</summary>
    public async Task<WatcherState<T>> NextAsync(long number, CancellationToken cancellation)
    {
        while (true)
        {
            var signal = Volatile.Read(ref _changed); // before the look, so that no change falls between both
            var state = _state;
            if (state.Number > number)
                return state;
            await signal.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The first complete state.</summary>
    public async Task<WatcherState<T>> SyncedAsync(CancellationToken cancellation)
    {
        var state = _state;
        while (!state.IsSynced)
            state = await NextAsync(state.Number, cancellation).ConfigureAwait(false);
        return state;
    }

    /// <summary>Keeps the state until cancelled; never ends otherwise.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        string? version = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                version ??= await ListAsync(cancellation).ConfigureAwait(false);
                var begin = _time.GetTimestamp();
                await foreach (var change in _client.WatchAsync<T>(_selection, version, cancellation).ConfigureAwait(false))
                {
                    Take(change);
                    version = change.Object.Metadata.ResourceVersion!;
                    _backoff.Reset();
                    _failures.Worked();
                }

                // A server that ends every watch at once must not be asked in a circle.
                if (_time.GetElapsedTime(begin) < WaitMin)
                    await Task.Delay(_backoff.Next(), _time, cancellation).ConfigureAwait(false);
            }
            catch (KubeException failure)
            {
                if (failure.Error is KubeError.Expired or KubeError.Malformed or KubeError.Invalid)
                    version = null;
                await RestAsync(failure, cancellation).ConfigureAwait(false);
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<string> ListAsync(CancellationToken cancellation)
    {
        var list = await _client.ListAsync<T>(_selection, cancellation).ConfigureAwait(false);
        var objects = _state.Objects.Clear();
        foreach (var one in list.Items ?? [])
            objects = objects.SetItem(one.Metadata.Address, one);
        _failures.Worked();
        Publish(new WatcherState<T>(_state.Number + 1, IsSynced: true, objects));
        return list.Metadata.ResourceVersion
            ?? throw new KubeException(KubeError.Malformed, $"cannot list {T.Resource.FullName}: the list has no resource version");
    }

    private void Take(KubeChange<T> change)
    {
        var state = _state;
        var name = change.Object.Metadata.Address;
        var objects = change.Kind switch
        {
            KubeChangeKind.Bookmark => state.Objects,
            KubeChangeKind.Deleted => state.Objects.Remove(name),
            _ when state.Objects.TryGetValue(name, out var known) &&
                known.Metadata.ResourceVersion == change.Object.Metadata.ResourceVersion => state.Objects,
            _ => state.Objects.SetItem(name, change.Object),
        };
        if (objects != state.Objects)
            Publish(state with { Number = state.Number + 1, Objects = objects });
    }

    private void Publish(WatcherState<T> state)
    {
        _state = state;
        Interlocked.Exchange(ref _changed, NewSignal()).SetResult();
    }

    private async Task RestAsync(KubeException failure, CancellationToken cancellation)
    {
        // That a watch is too old to go on is its ordinary end.
        if (failure.Error != KubeError.Expired)
            _failures.Failed(failure);
        await Task.Delay(_backoff.Next(failure.RetryAfter), _time, cancellation).ConfigureAwait(false);
    }
}
