using System.Diagnostics;
using Xunit.Sdk;

namespace CsiThin.Core.Tests.Damage;

/// <summary>
/// Runs cases one after the other on a thread of its own and watches it: a case that does not come to its end, or ends with an exception
/// that nobody expects, fails the test with the case's own description.
/// </summary>
internal sealed class CaseRunner
{
    /// <summary>Ten thousand times what a case takes: only what would never end is caught.</summary>
    private static readonly TimeSpan HangTime = TimeSpan.FromSeconds(30);

    private volatile string _current = "nothing yet";
    private int _done;
    private Exception? _failure;

    /// <summary>Runs all cases; <typeparamref name="T"/> says by its ToString how to come back to one. Returns their number.</summary>
    public static int Run<T>(IEnumerable<T> cases, Action<T> body)
        where T : notnull
    {
        var runner = new CaseRunner();
        var thread = new Thread(() => runner.RunAll(cases, body)) { IsBackground = true, Name = "damage" };
        thread.Start();
        runner.Watch(thread);
        return runner._done;
    }

    /// <summary>Numbers from <paramref name="seed"/> on, each the seed of a case, until the time is over; one at least.</summary>
    public static IEnumerable<SeededCase> Seeds(int seed, TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        do
            yield return new SeededCase(seed++);
        while (clock.Elapsed < time);
    }

    private void RunAll<T>(IEnumerable<T> cases, Action<T> body)
        where T : notnull
    {
        try
        {
            foreach (var one in cases)
            {
                _current = one.ToString()!;
                body(one);
                Interlocked.Increment(ref _done);
            }
        }
        catch (Exception e)
        {
            _failure = e;
        }
    }

    private void Watch(Thread thread)
    {
        var (seen, since) = (-1, Stopwatch.StartNew());
        while (!thread.Join(TimeSpan.FromMilliseconds(200)))
        {
            var done = Volatile.Read(ref _done);
            if (done != seen)
                (seen, since) = (done, Stopwatch.StartNew());
            else if (since.Elapsed > HangTime)
                throw new XunitException($"No end after {HangTime.TotalSeconds} s: {_current}");
        }
        if (_failure is { } failure)
            throw new XunitException($"{_current}: {failure}", failure);
    }
}

/// <summary>A random case. Its seed alone makes it again: the first case of a run with CSITHIN_SEED set to it.</summary>
internal readonly record struct SeededCase(int Seed)
{
    public override string ToString() => $"CSITHIN_SEED={Seed}";
}
