using System.Text.Json.Serialization;

namespace CsiThin.Driver.Kube.Objects;

/// <summary>The part of <c>metadata</c> that this driver looks at. <c>managedFields</c> is left out on purpose: it is long.</summary>
internal sealed record ObjectMeta
{
    /// <summary>Unique in its namespace.</summary>
    public string? Name { get; init; }

    /// <summary>Null for what belongs to the cluster.</summary>
    public string? Namespace { get; init; }

    /// <summary>Another object of the same name later has another one.</summary>
    public string? Uid { get; init; }

    /// <summary>Opaque: to be compared for equality and handed back, never ordered.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Counts changes of the spec.</summary>
    public long? Generation { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset? CreationTimestamp { get; init; }

    /// <summary>Set while it is being deleted.</summary>
    public DateTimeOffset? DeletionTimestamp { get; init; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Annotations.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>The name and namespace, to address it.</summary>
    [JsonIgnore]
    public ObjectName Address => new(Name ?? "", Namespace);
}
