using System.Collections.Concurrent;

namespace CsiThin.Driver.Attach;

/// <summary>
/// Runs tasks one after the other, in order, on a thread of its own: for calls that may wait inside the kernel and go one at a time anyway.
/// To make a thread for each costs more than most of the calls do, a whole time slice where there is one processor. A task that was given
/// up before its turn is passed over.
/// <para>Concurrency: any thread may start tasks. Disposing does not wait: what the thread is at may never return.</para>
/// </summary>
internal sealed class OneThreadScheduler : TaskScheduler, IDisposable
{
    private readonly BlockingCollection<Task> _tasks = [];

    /// <summary>Begins to wait for tasks.</summary>
    public OneThreadScheduler(string name) => new Thread(RunAll) { IsBackground = true, Name = name }.Start();

    /// <inheritdoc/>
    public override int MaximumConcurrencyLevel => 1;

    /// <summary>No more tasks are taken; those that were are run.</summary>
    public void Dispose() => _tasks.CompleteAdding();

    /// <inheritdoc/>
    protected override void QueueTask(Task task) => _tasks.Add(task);

    /// <inheritdoc/>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    /// <inheritdoc/>
    protected override IEnumerable<Task> GetScheduledTasks() => _tasks;

    private void RunAll()
    {
        foreach (var task in _tasks.GetConsumingEnumerable())
            _ = TryExecuteTask(task); // false: it was given up
        _tasks.Dispose();
    }
}
