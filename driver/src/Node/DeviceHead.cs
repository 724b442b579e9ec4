using CsiThin.Core.Device;
using CsiThin.Core.Device.Probe;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Node;

/// <summary>
/// What a look at a device shows: the name of what is on it, and its first bytes. It helps to choose between file systems; whether there is
/// anything at all is the engine's knowledge alone (<see cref="VolumeContent"/>).
/// </summary>
internal sealed record DeviceHead(DiskContent Content, byte[] Head)
{
    /// <summary>The file system of ours that is on it, if one is.</summary>
    public IFileSystem? FileSystem => FileSystems.All.FirstOrDefault(one => one.Signature == Content.Found);

    /// <summary>Nothing with a name is on it: zeroes at both ends, or bytes that are of no format known.</summary>
    public bool IsUnknown => Content.IsEmpty || Content.IsUnknown;

    /// <summary>
    /// Looks past the page cache and claims nothing. <see cref="VolumeError.Unavailable"/> when the device cannot be read: a read error is
    /// no emptiness.
    /// </summary>
    public static DeviceHead Read(string what, string path)
    {
        try
        {
            using var disk = FileDisk.Open(path, new FileDiskOptions { ReadOnly = true, Observe = true });
            var head = new byte[FileSystems.HeadBytes];
            disk.Read(0, head.AsSpan(0, (int)Math.Min(head.Length, disk.LengthBytes)));
            return new DeviceHead(DiskProbe.Probe(disk), head);
        }
        catch (DiskException failure)
        {
            throw new VolumeException(VolumeError.Unavailable, $"{what}: its device cannot be read: {failure.Message}");
        }
    }
}
