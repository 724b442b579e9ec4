using System.Runtime.ExceptionServices;

namespace CsiThin.Core.Tools;

/// <summary>Threads of a tool, which mostly wait for the disk; the thread pool is for those who do not wait.</summary>
internal static class ToolThreads
{
    /// <summary>
    /// Calls <paramref name="body"/> for each index below <paramref name="count"/>, from up to <paramref name="threads"/> threads, each
    /// with a state of its own. Returns when all are done; the first exception stops the rest and is thrown.
    /// </summary>
    public static void ForEach<TState>(int count, int threads, Func<TState> makeState, Action<int, TState> body)
        where TState : IDisposable
    {
        var next = -1;
        ExceptionDispatchInfo? failure = null;
        var workers = new Thread[Math.Min(threads, count)];
        for (var i = 0; i < workers.Length; i++)
        {
            workers[i] = Start(() =>
            {
                try
                {
                    using var state = makeState();
                    for (var index = Interlocked.Increment(ref next); index < count; index = Interlocked.Increment(ref next))
                        body(index, state);
                }
                catch (Exception e)
                {
                    Volatile.Write(ref next, count);
                    Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
                }
            });
        }
        foreach (var worker in workers)
            worker.Join();
        failure?.Throw();
    }

    /// <summary>Starts a thread that does not keep the process alive.</summary>
    public static Thread Start(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true, Name = "tool" };
        thread.Start();
        return thread;
    }
}
