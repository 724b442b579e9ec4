using CsiThin.Core.Pool;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>Runs a pool's worker for one caller that does one thing at a time.</summary>
internal sealed class LoneDriver : IWorkerDriver
{
    private const int TurnsMax = 100_000;
    private Action? _turn;
    private int _turns;

    public void Attach(Action turn) => _turn = turn;

    public void Turn()
    {
        if (++_turns > TurnsMax)
            throw new InvalidOperationException($"what the pool does has not come to an end in {TurnsMax} turns");
        _turn!();
    }

    public void Await(Func<bool> isDone)
    {
        while (!isDone())
            Turn();
    }

    public void LetRequestsFinish() => throw new InvalidOperationException("the worker waits for requests, and none is in flight");
}
