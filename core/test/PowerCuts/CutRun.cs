using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>Case after case, on all processors, until there were cuts enough, or failures.</summary>
internal sealed class CutRun(int seed, int cutsMin)
{
    /// <summary>About as many as a case makes: fewer are not worth a thread.</summary>
    private const int CaseCuts = 200;

    private int _nextCase;

    public CutFault Fault { get; init; }

    /// <summary>Of the first case, the only cut to look at.</summary>
    public int? OnlyCut { get; init; }

    /// <summary>Failures after which it stops.</summary>
    public int FailuresMax { get; init; } = 5;

    /// <summary>Sees every image that is as it should be, from any thread: the image, its case's seed, its number.</summary>
    public Action<MemoryDisk, int, int>? Look { get; init; }

    /// <summary>Told now and then how many cuts there were, from any thread.</summary>
    public Action<int>? Progress { get; init; }

    public CutReport Report { get; } = new();

    public CutReport Run()
    {
        var threads = OnlyCut is null ? Math.Clamp(cutsMin / CaseCuts, 1, Environment.ProcessorCount) : 1;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ =>
        {
            do
            {
                var number = seed + Interlocked.Increment(ref _nextCase) - 1;
                new CutCase(number, Fault, Report)
                {
                    OnlyCut = OnlyCut,
                    Look = Look is { } look ? (image, cut) => look(image, number, cut) : null,
                    IsOver = () => Report.Failures.Count >= FailuresMax,
                }.Run();
                Progress?.Invoke(Report.Cuts);
            }
            while (OnlyCut is null && Report.Cuts < cutsMin && Report.Failures.Count < FailuresMax);
        });
        return Report;
    }
}
