namespace CsiThin.Core.Device.Probe;

/// <summary>What <see cref="DiskProbe"/> saw: nothing, or something with a name fit for a message ("an ext4 file system").</summary>
/// <param name="Found">A noun phrase, null for a disk that looks empty.</param>
public readonly record struct DiskContent(string? Found)
{
    /// <summary>There is something, of no format that has a name here.</summary>
    public bool IsUnknown { get; init; }

    /// <summary>The first and the last MiB hold zeroes alone.</summary>
    public bool IsEmpty => Found is null;

    /// <summary>What was found, "nothing" for an empty disk.</summary>
    public string Description => Found ?? "nothing";

    /// <inheritdoc/>
    public override string ToString() => Description;
}
