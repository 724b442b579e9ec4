namespace CsiThin.Driver.Cli;

/// <summary>Which streams somebody is looking at. A terminal that cannot move its cursor (TERM=dumb) does not count.</summary>
internal sealed record Terminal(bool IsOut, bool IsError)
{
    /// <summary>Nobody looks.</summary>
    public static Terminal None { get; } = new(false, false);

    /// <summary>What this process has.</summary>
    public static Terminal Detect()
    {
        var isAble = Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";
        return new Terminal(isAble && !Console.IsOutputRedirected, isAble && !Console.IsErrorRedirected);
    }
}
