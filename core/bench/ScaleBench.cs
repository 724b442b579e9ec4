using System.Diagnostics;
using System.Globalization;

namespace CsiThin.Core.Bench;

/// <summary>
/// <c>scale DIRECTORY</c>: what must not grow with the pool, on sparse pool files made in the directory and removed again. Each phase runs
/// in a process of its own, so that its peak of memory is its own. Prints figures beside the marks they are to reach; asserts nothing.
/// </summary>
internal static class ScaleBench
{
    private const int Thousands = 10;

    public static int Run(string directory)
    {
        var pool = Path.Combine(directory, $"csithin-scale-{Environment.ProcessId}");
        try
        {
            foreach (var layout in new[] { "sequential", "scattered" })
            {
                Phase(pool, "make", layout);
                Phase(pool, "use", layout);
                Phase(pool, "discard", layout);
                Phase(pool, "delete", layout);
            }
            Phase(pool, "many", Thousands.ToString(CultureInfo.InvariantCulture));
        }
        finally
        {
            File.Delete(pool);
        }
        return 0;
    }

    /// <summary>One phase in this process.</summary>
    public static int RunPhase(string pool, string phase, string argument)
    {
        Console.WriteLine($"{phase} {argument}");
        switch (phase)
        {
            case "make":
                ScaleLarge.Make(pool, isScattered: argument == "scattered");
                break;
            case "use":
                ScaleLarge.Use(pool);
                break;
            case "discard":
                ScaleLarge.Discard(pool);
                break;
            case "delete":
                ScaleLarge.Delete(pool);
                break;
            default:
                ScaleMany.Run(pool, int.Parse(argument, CultureInfo.InvariantCulture));
                break;
        }
        return 0;
    }

    private static void Phase(string pool, string phase, string argument)
    {
        var self = Environment.ProcessPath!;
        var start = new ProcessStartInfo(self);
        if (Path.GetFileNameWithoutExtension(self) == "dotnet")
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        foreach (var word in new[] { "scale", pool, phase, argument })
            start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            Console.WriteLine($"  phase {phase} ended with {process.ExitCode}");
    }
}
