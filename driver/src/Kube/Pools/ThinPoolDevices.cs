namespace CsiThin.Driver.Kube.Pools;

/// <summary>Describes one device of a node: where to look and how large it is. Exactly one must remain.</summary>
internal sealed record ThinPoolDevices
{
    /// <summary>Paths, best those in /dev/disk/by-id; <c>*</c> and <c>?</c> in the last part stand for several.</summary>
    public IReadOnlyList<string>? Paths { get; init; }

    /// <summary>Smaller ones are not meant, such as <c>100Gi</c>.</summary>
    public string? MinimumSize { get; init; }

    /// <summary>Larger ones are not meant.</summary>
    public string? MaximumSize { get; init; }
}
