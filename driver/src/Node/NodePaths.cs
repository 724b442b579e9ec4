using CsiThin.Core.Device.Files;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Node;

/// <summary>
/// Which paths of kubelet may be touched: those in its folder, after every symbolic link on the way has been followed. A pod that can place
/// a link in a volume must not make a root process mount over the host's files.
/// <list type="bullet">
/// <item>Absolute, at most 4096 bytes, no empty, "." or ".." part, no control character.</item>
/// <item>The last part is no symbolic link, for it is made, mounted on and removed.</item>
/// <item>What comes back has no link in it, so that the kernel's table shows the very same text.</item>
/// </list>
/// </summary>
internal sealed class NodePaths(string kubeletDirectory)
{
    private const int BytesMax = 4096;
    private const int LinksMax = 40;

    /// <summary>Kubelet's folder where nothing else is said.</summary>
    public const string DefaultKubeletDirectory = "/var/lib/kubelet";

    /// <summary>
    /// The real path of what <paramref name="field"/> of a request says. <see cref="VolumeError.InvalidArgument"/> for what no path of
    /// kubelet looks like, <see cref="VolumeError.Incompatible"/> for links that lead elsewhere.
    /// </summary>
    public string Resolve(string field, string path)
    {
        CheckText(field, path);
        var root = FollowLinks(field, kubeletDirectory);
        if (LinkTarget(path) is { } target)
            throw new VolumeException(
                VolumeError.Incompatible, $"{field} {path} is a symbolic link to {target}");
        var real = FollowLinks(field, path);
        if (IsUnder(real, root))
            return real;
        throw IsUnder(path, kubeletDirectory) || IsUnder(path, root)
            ? new VolumeException(
                VolumeError.Incompatible,
                $"{field} {path} leads through a symbolic link to {real}, out of kubelet's folder {root}")
            : new VolumeException(
                VolumeError.InvalidArgument,
                $"{field} {path} is not in kubelet's folder {root} (--kubelet-dir says which folder that is)");
    }

    /// <summary>Makes sure that a directory to mount on is there; refuses what is no directory.</summary>
    public static void MakeDirectory(string field, string path)
    {
        if (PathKinds.Of(path) is not (PathKind.Absent or PathKind.Directory))
            throw new VolumeException(VolumeError.Incompatible, $"{field} {path} is there and is no directory");
        _ = Guard(field, path, () => Directory.CreateDirectory(path));
    }

    /// <summary>Makes sure that an empty file to bind a device node to is there; refuses what is no file.</summary>
    public static void MakeFile(string field, string path)
    {
        MakeDirectory(field, Path.GetDirectoryName(path)!);
        if (PathKinds.Of(path) is not (PathKind.Absent or PathKind.File))
            throw new VolumeException(VolumeError.Incompatible, $"{field} {path} is there and is no file");
        Guard(field, path, () => new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write)).Dispose();
    }

    /// <summary>
    /// Removes the directory or file that was mounted on. Never what is still a mount point, and never what holds anything: it is not ours.
    /// </summary>
    public static void RemoveTarget(string field, string path)
    {
        if (MountTable.Read().At(path) is { } entry)
            throw new VolumeException(
                VolumeError.HostFailed, $"{field} {path} is not removed: {entry.Describe()} is still mounted there");
        switch (PathKinds.Of(path))
        {
            case PathKind.Absent:
                return;
            case PathKind.Directory when !Directory.EnumerateFileSystemEntries(path).Any():
                Guard(field, path, () =>
                {
                    Directory.Delete(path);
                    return true;
                });
                return;
            case PathKind.File when new FileInfo(path).Length == 0:
                Guard(field, path, () =>
                {
                    File.Delete(path);
                    return true;
                });
                return;
            default:
                throw new VolumeException(
                    VolumeError.Incompatible,
                    $"{field} {path} is not mounted and holds something, so it is left as it is; look and remove it by hand");
        }
    }

    private static void CheckText(string field, string path)
    {
        var parts = path.Split('/');
        var isPath = path.StartsWith('/') && path.Length > 1 && System.Text.Encoding.UTF8.GetByteCount(path) <= BytesMax &&
            !path.Any(char.IsControl) && parts.Skip(1).All(part => part is not ("" or "." or ".."));
        if (!isPath)
            throw new VolumeException(
                VolumeError.InvalidArgument,
                $"{field} {NameRules.Quote(path)} must be an absolute path of at most {BytesMax} bytes without '.', '..' or an empty part");
    }

    /// <summary>The path with every link on the way replaced by what it leads to; parts that are not there stay as they are.</summary>
    private static string FollowLinks(string field, string path)
    {
        var links = 0;
        var rest = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var real = "/";
        while (rest.TryPop(out var part))
        {
            if (part is "." or "..")
            {
                real = part == "." ? real : Path.GetDirectoryName(real) ?? "/";
                continue;
            }
            var next = Path.Combine(real, part);
            if (LinkTarget(next) is not { } target)
            {
                real = next;
                continue;
            }
            if (++links > LinksMax)
                throw new VolumeException(VolumeError.Incompatible, $"{field} {path} has more than {LinksMax} symbolic links");
            if (target.StartsWith('/'))
                real = "/";
            foreach (var step in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                rest.Push(step);
        }
        return real;
    }

    private static string? LinkTarget(string path) => new FileInfo(path).LinkTarget;

    private static bool IsUnder(string path, string directory) =>
        path.StartsWith(directory.TrimEnd('/') + "/", StringComparison.Ordinal);

    private static T Guard<T>(string field, string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new VolumeException(VolumeError.HostFailed, $"{field} {path}: {failure.Message}");
        }
    }
}
