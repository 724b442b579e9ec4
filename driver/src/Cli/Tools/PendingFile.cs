using CsiThin.Core.Device.Files;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>
/// A file that becomes the result in one step: it is written beside its place under another name, and takes its place, durable, when it is
/// whole. Whatever was there stays until then, and stays for good when the work fails or is stopped. A pipe or a character device is
/// written as it is.
/// </summary>
internal sealed class PendingFile : IDisposable
{
    private readonly string _target;
    private readonly bool _isRenamed;
    private bool _isComplete;

    private PendingFile(string path)
    {
        // A link keeps pointing where it points: what it points to is replaced.
        var kind = PathKinds.Of(path);
        _target = (kind == PathKind.File ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null)
            ?? System.IO.Path.GetFullPath(path);
        if (kind is PathKind.Directory or PathKind.BlockDevice)
            throw new CliException($"{path} is a {(kind == PathKind.Directory ? "directory" : "block device")}, where a file must go");
        var directory = System.IO.Path.GetDirectoryName(_target)!;
        if (PathKinds.Of(directory) != PathKind.Directory)
            throw new CliException($"{path} cannot be made: there is no directory {directory}");
        _isRenamed = kind != PathKind.Other;
        Path = _isRenamed
            ? System.IO.Path.Combine(directory, $".{System.IO.Path.GetFileName(_target)}.{System.IO.Path.GetRandomFileName()}.partial")
            : _target;
    }

    /// <summary>
    /// The file at <paramref name="path"/>, made of what is at <paramref name="inputPath"/>. Refuses that very thing, a directory, a block
    /// device, and a place whose directory is not there.
    /// </summary>
    public static PendingFile Beside(string path, string inputPath) => PathKinds.AreSame(path, inputPath)
        ? throw new CliException($"{path} is what is read; the result must go elsewhere")
        : new PendingFile(path);

    /// <summary>Where to write.</summary>
    public string Path { get; }

    /// <summary>Opens it for writing from the beginning.</summary>
    public FileStream OpenStream() =>
        new(Path, _isRenamed ? FileMode.CreateNew : FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 64 << 10);

    /// <summary>Puts it in its place. Its writer has closed it, having made it durable.</summary>
    public void Complete()
    {
        if (_isRenamed)
        {
            if (!OperatingSystem.IsWindows() && File.Exists(_target))
                File.SetUnixFileMode(Path, File.GetUnixFileMode(_target));
            File.Move(Path, _target, overwrite: true);
        }

        _isComplete = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isRenamed && !_isComplete)
            File.Delete(Path);
    }
}
