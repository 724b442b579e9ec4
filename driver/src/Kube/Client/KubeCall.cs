using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Client;

/// <summary>One request: what it is for people (<see cref="ToString"/>) and for the wire.</summary>
internal sealed record KubeCall(string Verb, HttpMethod Method, KubeResource Resource, string Target)
{
    /// <summary>The object it is about, if it is one.</summary>
    public ObjectName? Name { get; init; }

    /// <summary>The body, if there is one.</summary>
    public byte[]? Body { get; init; }

    /// <summary>What the body is.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>Done twice is done once, so that a failure in the middle may be followed by another try.</summary>
    public bool IsRepeatable { get; init; }

    /// <summary>The answer goes on until the server ends it.</summary>
    public bool IsStream { get; init; }

    /// <summary>What is accepted: JSON, of metadata alone where the resource says so.</summary>
    public string Accept => (Resource.IsMetadataOnly, Name) switch
    {
        (false, _) => "application/json",
        (true, null) when !IsStream => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
        _ => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
    };

    /// <inheritdoc/>
    public override string ToString() => Name is { } name ? $"{Verb} {Resource.FullName} '{name}'" : $"{Verb} {Resource.FullName}";

    /// <summary>The request with these parameters; those that are null or empty are left out.</summary>
    public KubeCall With(params (string Name, string? Value)[] parameters)
    {
        var query = string.Join('&', from parameter in parameters
                                     where !string.IsNullOrEmpty(parameter.Value)
                                     select $"{parameter.Name}={Uri.EscapeDataString(parameter.Value)}");
        return query.Length == 0 ? this : this with { Target = $"{Target}?{query}" };
    }
}
