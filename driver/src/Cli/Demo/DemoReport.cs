namespace CsiThin.Driver.Cli.Demo;

/// <summary>One step of the demo: what was done, how long it took, and the pool's used bytes after it.</summary>
internal sealed record DemoStep(string Name, double Seconds, long UsedBytes, string Detail);

/// <summary>The whole demo, as <c>-o json</c> prints it at the end.</summary>
internal sealed record DemoReport(
    bool Passed,
    double Seconds,
    string Content,
    IReadOnlyList<DemoStep> Steps,
    long PoolBytes,
    long UsedBytes,
    double FullPercent,
    string? PoolPath);
