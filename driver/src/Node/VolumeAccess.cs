namespace CsiThin.Driver.Node;

/// <summary>Who may use a volume at a time. All on this node: the disk is in it.</summary>
internal enum AccessMode
{
    /// <summary>One target, read and write (SINGLE_NODE_WRITER, SINGLE_NODE_SINGLE_WRITER).</summary>
    SingleWriter,

    /// <summary>Any number of targets, read and write (SINGLE_NODE_MULTI_WRITER).</summary>
    MultiWriter,

    /// <summary>One target, read only (SINGLE_NODE_READER_ONLY).</summary>
    SingleReader,
}

/// <summary>How a volume is to be used: what a CSI VolumeCapability says.</summary>
internal sealed record VolumeAccess
{
    /// <summary>The device itself instead of a file system on it.</summary>
    public bool IsBlock { get; init; }

    /// <summary>Who may use it.</summary>
    public AccessMode Mode { get; init; }

    /// <summary>The file system asked for; empty: what is there, else <see cref="FileSystems.Default"/>.</summary>
    public string FileSystem { get; init; } = "";

    /// <summary>Mount options; may be confidential, so that no message shows them.</summary>
    public IReadOnlyList<string> MountFlags { get; init; } = [];

    /// <summary>Nothing is to be written, whatever a single publication says.</summary>
    public bool IsReadOnly => Mode == AccessMode.SingleReader || MountFlags.Contains("ro");
}
