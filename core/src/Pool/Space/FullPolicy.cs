namespace CsiThin.Core.Pool.Space;

/// <summary>What becomes of a write to a volume that needs space when its pool has none. Kept among the volume's parameters.</summary>
public enum FullPolicy
{
    /// <summary>It waits for space, as long as <see cref="PoolOpenOptions.NoSpaceTimeout"/> says.</summary>
    Queue,

    /// <summary>It fails at once (dm-thin: <c>error_if_no_space</c>).</summary>
    Error,
}

/// <summary>How a <see cref="FullPolicy"/> is written.</summary>
public static class FullPolicies
{
    /// <summary>The parameter of a volume that names its policy: <c>queue</c>, which is also what none means, or <c>error</c>.</summary>
    public const string Parameter = "whenFull";

    /// <summary>Reads a policy; false for what is neither.</summary>
    public static bool TryParse(string? text, out FullPolicy policy)
    {
        policy = text == "error" ? FullPolicy.Error : FullPolicy.Queue;
        return text is "queue" or "error";
    }

    /// <summary>The policy of a volume with these parameters. Whoever writes them checks them.</summary>
    public static FullPolicy Of(IReadOnlyDictionary<string, string> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        _ = TryParse(parameters.GetValueOrDefault(Parameter), out var policy); // an unknown word is no reason to fail writes
        return policy;
    }
}
