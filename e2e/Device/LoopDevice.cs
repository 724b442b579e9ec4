using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Device;

/// <summary>A file as a block device, until disposed. Needs root and the kernel's loop driver.</summary>
internal sealed class LoopDevice : IDisposable
{
    public LoopDevice(string file) => Path = Tool.Run("losetup", "--find", "--show", file).Trim();

    /// <summary>Such as /dev/loop0.</summary>
    public string Path { get; }

    /// <summary>Such as loop0.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>Takes up a new length of the file.</summary>
    public void Refresh() => Tool.Run("losetup", "--set-capacity", Path);

    /// <inheritdoc/>
    public void Dispose() => Tool.Run("losetup", "--detach", Path);
}
