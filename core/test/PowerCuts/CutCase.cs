using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// Everything that follows from one seed: a life on one scene, a cut before every write, barrier and discard of it; on some of what the
/// cuts left, a second life, whose recovery is cut in the same way, and a third. Cuts are numbered through, from 1.
/// </summary>
internal sealed class CutCase(int seed, CutFault fault, CutReport report)
{
    private const int LivesMax = 3;
    private readonly CutScene _scene = CutScene.Of(seed);
    private int _cut;

    /// <summary>If set, the only cut that is looked at.</summary>
    public int? OnlyCut { get; init; }

    /// <summary>Sees every image that is as it should be; for programs that are not ours.</summary>
    public Action<MemoryDisk, int>? Look { get; init; }

    /// <summary>Asked before each cut whether to end here.</summary>
    public Func<bool>? IsOver { get; init; }

    /// <summary>The digest of every life's log.</summary>
    public List<string> Digests { get; } = [];

    public void Run() => Live(_scene.Disk, _scene.Model, life: 1, firstNumber: 0);

    private void Live(MemoryDisk start, CutModel settled, int life, int firstNumber)
    {
        var (log, lastNumber) = Record(start, settled.Copy(), life, firstNumber);
        Digests.Add(log.Digest());
        var model = settled.Copy();
        var replay = new DiskReplay(start);
        foreach (var (index, happened) in log.Events.Index())
        {
            if (happened.IsCutPoint)
                Cut(replay, model, life, $"{_scene.Name}, life {life}, before {happened.GetType().Name} {index}", lastNumber);
            if (IsOver?.Invoke() == true)
                return;
            if (happened is Happening happening)
                happening.Apply(model);
            replay.Apply(index, happened);
        }
        Cut(replay, model, life, $"{_scene.Name}, life {life}, at the end", lastNumber);
    }

    /// <summary>
    /// Lives a life. One that goes wrong by itself is a failure, unless a mistake was put in: then it is the cuts that have to find it.
    /// Either way it is cut as far as it went.
    /// </summary>
    private (DiskLog Log, int LastNumber) Record(MemoryDisk start, CutModel model, int life, int firstNumber)
    {
        using var workload = new CutWorkload(start, model, RandomFor(_cut, life), firstNumber, fault, report);
        var wrong = workload.Run(life == 1 ? 250 : 40);
        if (wrong.Count > 0 && fault == CutFault.None)
            report.Add(new CutFailure(seed, _cut, fault, $"{_scene.Name}, life {life}, while it was lived", wrong));
        return (workload.Log, workload.LastNumber);
    }

    private void Cut(DiskReplay replay, CutModel model, int life, string place, int lastNumber)
    {
        var cut = ++_cut;
        var random = RandomFor(cut, life: 0);
        var image = replay.Cut(random);
        var recovers = random.Next(8) == 0;
        var goesOn = life < LivesMax && random.Next(100) == 0;
        var isSeen = OnlyCut is null || OnlyCut == cut;
        if (!isSeen && !goesOn)
            return;
        var verifier = new CutVerifier(image, model, CutOptions.Of(CutFault.None)).Run(recovers && isSeen);
        if (isSeen)
        {
            report.CountCut();
            report.Count(replay.Pending == 0 ? "cut with nothing to lose" : "cut with writes to lose");
            if (verifier.Dying > 0)
                report.Count("cut while a volume was dying");
            var wrong = verifier.Wrong.Count > 0 ? verifier.Wrong : ShowTo(Look, image, cut);
            if (wrong.Count > 0)
                report.Add(new CutFailure(seed, cut, fault, place, wrong));
        }
        if (goesOn && verifier.Wrong.Count == 0)
        {
            report.Count($"life {life + 1}");
            Live(image, verifier.Settled, life + 1, lastNumber);
        }
    }

    private static IReadOnlyList<string> ShowTo(Action<MemoryDisk, int>? look, MemoryDisk image, int cut)
    {
        try
        {
            look?.Invoke(image, cut);
            return [];
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return [e.Message];
        }
    }

    /// <summary>Chance for one purpose: the same whatever else was looked at.</summary>
    private Random RandomFor(int cut, int life) => new(unchecked((int)((uint)seed * 0x9E3779B1 + (uint)cut * 0x85EBCA77 + (uint)life)));
}
