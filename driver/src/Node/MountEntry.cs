namespace CsiThin.Driver.Node;

/// <summary>One mount as the kernel shows it (Documentation/filesystems/proc.rst, 3.5), its texts unescaped.</summary>
internal sealed record MountEntry
{
    /// <summary>Unique among the mounts of this moment.</summary>
    public required int Id { get; init; }

    /// <summary>The mount it lies on, itself for the root.</summary>
    public required int ParentId { get; init; }

    /// <summary>The number of the device; of no device for btrfs and for what has none.</summary>
    public required (uint Major, uint Minor) Device { get; init; }

    /// <summary>What of the file system is mounted: "/" unless it is a part of it. A part that is gone ends with "//deleted".</summary>
    public required string Root { get; init; }

    /// <summary>Where it is mounted.</summary>
    public required string Path { get; init; }

    /// <summary>Options of this mount alone, such as <c>ro</c>.</summary>
    public required IReadOnlyList<string> Options { get; init; }

    /// <summary>How mounts spread: <c>shared:N</c>, <c>master:N</c>; none for a private mount.</summary>
    public required IReadOnlyList<string> Propagation { get; init; }

    /// <summary>The type of the file system.</summary>
    public required string FileSystem { get; init; }

    /// <summary>The device by name, or whatever the file system calls its source.</summary>
    public required string Source { get; init; }

    /// <summary>Options of the file system, common to all its mounts.</summary>
    public required IReadOnlyList<string> SuperOptions { get; init; }

    /// <summary>Nothing can be written through this mount.</summary>
    public bool IsReadOnly => Options.Contains("ro") || IsFileSystemReadOnly;

    /// <summary>Nothing can be written through any mount of the file system.</summary>
    public bool IsFileSystemReadOnly => SuperOptions.Contains("ro");

    /// <summary>A phrase for messages.</summary>
    public string Describe() => Root == "/" ? $"{FileSystem} of {Source}" : $"{Root} of {Source} ({FileSystem})";
}
