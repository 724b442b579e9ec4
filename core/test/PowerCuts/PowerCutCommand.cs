using System.Diagnostics;
using System.Globalization;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>Power cuts from the command line: any number, or one of them again.</summary>
internal static class PowerCutCommand
{
    private const string Usage = """
        usage: power-cuts [N] [--seed SEED] [--cut CUT] [--fault FAULT]

          N            make at least so many cuts (20000 unless given); every case is finished, so a few hundred more are made
          --seed SEED  begin with this case instead of a random one
          --cut CUT    of that case, look at this cut alone
          --fault FAULT  put this mistake in on purpose
        """;

    /// <summary>0: all was well; 1: it was not; 2: it was not understood.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        if (!TryParse(args, out var cuts, out var seed, out var cut, out var fault))
        {
            error.WriteLine(Usage);
            error.WriteLine($"FAULT: {string.Join(", ", Enum.GetNames<CutFault>())}");
            return 2;
        }
        output.WriteLine($"seed {seed}");
        var watch = Stopwatch.StartNew();
        var run = new CutRun(seed, cuts)
        {
            OnlyCut = cut,
            Fault = fault,
            Progress = done => output.WriteLine(Invariant($"{done} cuts, {watch.Elapsed.TotalSeconds:F0} s")),
        };
        var report = run.Run();
        foreach (var (what, count) in report.Counts)
            output.WriteLine(Invariant($"{count,9} {what}"));
        foreach (var failure in report.Failures)
            output.WriteLine(failure);
        output.WriteLine(Invariant(
            $"{report.Cuts} cuts, {report.Failures.Count} failures, {watch.Elapsed.TotalSeconds:F1} s, ") + Invariant(
            $"{watch.Elapsed.TotalMilliseconds * Environment.ProcessorCount / Math.Max(1, report.Cuts):F1} ms of a processor a cut"));
        return report.Failures.Count == 0 ? 0 : 1;
    }

    private static bool TryParse(string[] args, out int cuts, out int seed, out int? cut, out CutFault fault)
    {
        (cuts, seed, cut, fault) = (20_000, Random.Shared.Next(1 << 30), null, CutFault.None);
        for (var i = 0; i < args.Length; i++)
        {
            var isOption = args[i].StartsWith('-');
            var value = !isOption ? args[i] : i + 1 < args.Length ? args[i + 1] : "";
            var isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            switch (args[i])
            {
                case "--seed" when isNumber: seed = number; break;
                case "--cut" when isNumber && number > 0: cut = number; break;
                case "--fault" when Enum.TryParse(value, out fault): break;
                case var _ when !isOption && isNumber && number > 0: cuts = number; break;
                default: return false;
            }
            i += isOption ? 1 : 0;
        }
        return true;
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
