namespace CsiThin.Core.Pool;

/// <summary>
/// Takes the place of the worker's thread: for tests that must do the same, to the byte, on every run. One thread is then clients, verbs
/// and worker, and the driver decides in which order. No production code has one.
/// </summary>
internal interface IWorkerDriver
{
    /// <summary>The pool's worker is there; <paramref name="turn"/> serves what waits, and does one step of a chore.</summary>
    void Attach(Action turn);

    /// <summary>A verb was posted: returns when <paramref name="isDone"/> says so, which takes a turn at least.</summary>
    void Await(Func<bool> isDone);

    /// <summary>The worker can go on only when requests in flight have finished; asked again until they have.</summary>
    void LetRequestsFinish();
}
