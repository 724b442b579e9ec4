using System.Buffers.Binary;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Files;
using CsiThin.Core.Device.Probe;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>
/// Where a tool writes metadata: a block device or file that is there, or a new file, which appears only when it is whole. What is there is
/// overwritten by the tool, the superblock last, so that a stop leaves no metadata rather than half of it. Opened for this process alone.
/// </summary>
internal sealed class MetadataOutput : IDisposable
{
    private const int BlockBytes = 4096;
    private const int MagicOffset = 32;
    private const ulong Magic = 27022010; // THIN_SUPERBLOCK_MAGIC

    private readonly PendingFile? _pending;

    private MetadataOutput(IDisk disk, PendingFile? pending)
    {
        Disk = disk;
        _pending = pending;
    }

    /// <summary>Takes writes.</summary>
    public IDisk Disk { get; }

    /// <summary>
    /// Opens <paramref name="path"/>, a new file with <paramref name="newBytes"/>. Refuses what is read (<paramref name="inputPath"/>), and
    /// unless forced what holds anything but old metadata or zeroes.
    /// </summary>
    public static MetadataOutput Open(string path, long? newBytes, string inputPath, bool force)
    {
        if (PathKinds.Of(path) == PathKind.Absent)
            return Create(path, newBytes ?? throw new CliException($"{path} is not there; --size makes it"), inputPath);
        if (PathKinds.AreSame(path, inputPath))
            throw new CliException($"{path} is what is read; the result must go elsewhere");
        if (newBytes is not null)
            throw new CliException($"{path} is there; --size is for a new file");
        var disk = FileDisk.Open(path);
        try
        {
            if (!force && Foreign(disk) is { } content)
                throw new CliException($"{path} holds {content}: it is left alone unless --force says otherwise");
            return new MetadataOutput(disk, null);
        }
        catch
        {
            disk.Dispose();
            throw;
        }
    }

    /// <summary>What was written is a result: a new file takes its place.</summary>
    public void Complete()
    {
        Disk.Barrier();
        Disk.Dispose();
        _pending?.Complete();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Disk.Dispose();
        _pending?.Dispose();
    }

    private static MetadataOutput Create(string path, long lengthBytes, string inputPath)
    {
        var pending = PendingFile.Beside(path, inputPath);
        try
        {
            return new MetadataOutput(FileDisk.Create(pending.Path, lengthBytes), pending);
        }
        catch
        {
            pending.Dispose();
            throw;
        }
    }

    // What has a dm-thin superblock, or nothing at all, is what a metadata device looks like.
    private static string? Foreign(FileDisk disk)
    {
        if (disk.LengthBytes < BlockBytes)
            return null;
        using var block = new AlignedBuffer(BlockBytes);
        disk.Read(0, block.Span);
        if (BinaryPrimitives.ReadUInt64LittleEndian(block.Span[MagicOffset..]) == Magic)
            return null;
        var content = DiskProbe.Probe(disk);
        return content.IsEmpty ? null : content.Description;
    }
}
