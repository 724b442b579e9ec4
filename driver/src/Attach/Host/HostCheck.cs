namespace CsiThin.Driver.Attach.Host;

/// <summary>What became of a look at one thing a host needs.</summary>
internal enum HostCheckOutcome
{
    /// <summary>It is there.</summary>
    Ok,

    /// <summary>It works without, but worse; the remedy says how to have it.</summary>
    Warning,

    /// <summary>Volumes cannot be attached or mounted without.</summary>
    Missing,
}

/// <summary>One thing a host needs, and whether it has it.</summary>
/// <param name="Name">A short name, such as "nbd module".</param>
/// <param name="Outcome">What was found.</param>
/// <param name="Detail">What was found, in words.</param>
/// <param name="Remedy">What to do, in one sentence; null where all is well.</param>
internal sealed record HostCheck(string Name, HostCheckOutcome Outcome, string Detail, string? Remedy = null)
{
    /// <summary>It is as it must be.</summary>
    public static HostCheck Ok(string name, string detail) => new(name, HostCheckOutcome.Ok, detail);

    /// <summary>It works without.</summary>
    public static HostCheck Warning(string name, string detail, string remedy) => new(name, HostCheckOutcome.Warning, detail, remedy);

    /// <summary>It does not work without.</summary>
    public static HostCheck Missing(string name, string detail, string remedy) => new(name, HostCheckOutcome.Missing, detail, remedy);
}
