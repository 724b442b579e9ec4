namespace CsiThin.Core.Device.Files;

/// <summary>
/// Which file a path leads to, symbolic links not followed: two paths (or one path at two times) name the same file when these are equal.
/// </summary>
internal readonly record struct FileIdentity(uint DeviceMajor, uint DeviceMinor, ulong Inode, bool IsSocket)
{
    private const int NoFollow = 0x100;
    private const int TypeMask = 0xF000;
    private const int TypeSocket = 0xC000;

    /// <summary>
    /// Looks at <paramref name="path"/>; null when nothing is there. Throws <see cref="IOException"/> when that cannot be told.
    /// </summary>
    public static FileIdentity? Of(string path)
    {
        if (LibC.StatX(LibC.AtCurrentDirectory, path, NoFollow, StatX.BasicStats, out var status) == 0)
            return new FileIdentity(status.DeviceMajor, status.DeviceMinor, status.Inode, (status.Mode & TypeMask) == TypeSocket);
        var errno = Errno.Last;
        if (errno is Errno.NoSuchFile or Errno.NotADirectory)
            return null;
        throw new IOException($"cannot look at {path}: {Errno.Text(errno)}");
    }
}
