using System.Collections.Concurrent;
using Grpc.Core;

namespace CsiThin.Driver.Tests.Rpc;

/// <summary>What the echo service saw, for the test to wait for and look at.</summary>
internal sealed class EchoJournal
{
    // So that a broken test ends; no test depends on its length.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done once a waiting method runs.</summary>
    public Task Started => _started.Task.WaitAsync(Patience);

    /// <summary>Done once a waiting method's token was cancelled.</summary>
    public Task Cancelled => _cancelled.Task.WaitAsync(Patience);

    /// <summary>Ends a lingering method.</summary>
    public TaskCompletionSource LetGo { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done once a lingering method has returned.</summary>
    public TaskCompletionSource Lingered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConcurrentQueue<string> Steps { get; } = new();

    public DateTime Deadline { get; private set; }

    public string Peer { get; private set; } = "";

    public string Host { get; private set; } = "";

    public string Method { get; private set; } = "";

    public void Record(ServerCallContext context)
    {
        (Deadline, Peer, Host, Method) = (context.Deadline, context.Peer, context.Host, context.Method);
        _started.TrySetResult();
    }

    public async Task WaitForCancellationAsync(ServerCallContext context)
    {
        Record(context);
        try
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            _cancelled.TrySetResult();
            throw;
        }
    }
}
