namespace CsiThin.Core.Device.Files;

/// <summary>What a path leads to, symbolic links followed.</summary>
public enum PathKind
{
    /// <summary>Nothing is there.</summary>
    Absent,

    /// <summary>A regular file.</summary>
    File,

    /// <summary>A block device.</summary>
    BlockDevice,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A pipe, a socket or a character device: what has no length.</summary>
    Other,
}

/// <summary>Looks at paths without opening what is there, because opening a pipe waits and opening a tape rewinds it.</summary>
public static class PathKinds
{
    /// <summary>Throws <see cref="DiskException"/> when it cannot be told, as in a directory that is closed to us.</summary>
    public static PathKind Of(string path)
    {
        if (Look(path) is not { } status)
            return PathKind.Absent;
        if (status.IsRegular)
            return PathKind.File;
        if (status.IsBlockDevice)
            return PathKind.BlockDevice;
        return status.IsDirectory ? PathKind.Directory : PathKind.Other;
    }

    /// <summary>Both lead to one file or one device, by whatever names.</summary>
    public static bool AreSame(string path, string other) =>
        Look(path) is { } first && Look(other) is { } second && first.IsSameFile(second);

    /// <summary>The kernel's number of the block device that <paramref name="path"/> is a node of; null for anything else.</summary>
    public static (uint Major, uint Minor)? DeviceNumberOf(string path) =>
        Look(path) is { IsBlockDevice: true } status ? (status.NodeMajor, status.NodeMinor) : null;

    private static StatX? Look(string path)
    {
        if (LibC.StatX(LibC.AtCurrentDirectory, path, 0, StatX.BasicStats, out var status) == 0)
            return status;
        return Errno.Last is Errno.NoSuchFile or Errno.NotADirectory ? null : throw DiskException.Of($"look at {path}", Errno.Last);
    }
}
