using CsiThin.Driver.Kube.Pools;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// What became of a declaration on this node: a device that holds the pool (<see cref="Path"/>), or the reason why none does.
/// </summary>
internal sealed record DeclaredPool(PoolDeclaration Declaration)
{
    /// <summary>The device, by the path it was declared with; null where there is <see cref="Trouble"/>.</summary>
    public string? Path { get; init; }

    /// <summary>The pool on that device; null where there is none yet.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>The device held nothing and was or has to be formatted.</summary>
    public bool IsNew { get; init; }

    /// <summary>Why there is no pool.</summary>
    public PoolTrouble? Trouble { get; init; }

    /// <summary>Devices that were passed over, each with the reason.</summary>
    public IReadOnlyList<string> Refusals { get; init; } = [];

    /// <summary>As the publisher reads it while nobody serves it.</summary>
    public PoolReading Reading => new(Declaration.Name)
    {
        Declared = Declaration.Spec,
        Device = Path,
        Trouble = Trouble ?? new PoolTrouble(PoolTrouble.NotServed, WhyNotServed()),
    };

    private string WhyNotServed() => IsNew
        ? $"{Path} is empty and is formatted when this node's engine is restarted"
        : $"{Path} holds the pool, but this node's engine does not serve it: its log says why; restart it when that is mended";
}
