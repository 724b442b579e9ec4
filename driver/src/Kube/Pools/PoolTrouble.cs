namespace CsiThin.Driver.Kube.Pools;

/// <summary>Why a pool is not served: a word in CamelCase for the condition's reason, and a sentence.</summary>
internal sealed record PoolTrouble(string Reason, string Message)
{
    /// <summary>Nobody serves a pool of this name on this node.</summary>
    public const string NotServed = "PoolNotServed";

    /// <summary>The engine does not answer.</summary>
    public const string EngineUnreachable = "EngineUnreachable";
}
