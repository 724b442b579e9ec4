using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Node;

/// <summary>
/// Staging: the volume becomes a block device and, unless it is used as one, its file system is mounted at the staging path. Every step
/// looks first at what is there, so that staging goes on from wherever an earlier life stopped.
/// <para>Concurrency: the caller holds the locks of the volume and of the path.</para>
/// </summary>
internal sealed partial class VolumeStager(
    INodeEngine engine, Mounts mounts, HostPrograms programs, VolumeFormatter formatter, NodeState state, ILogger<VolumeStager> log)
{
    /// <summary>What a request calls the path.</summary>
    public const string Field = "staging_target_path";

    // Less than a block of a file system is nothing to grow by.
    private const long GrowthBytesMin = 4096;

    /// <summary>Stages at a path that <see cref="NodePaths"/> has resolved.</summary>
    public async Task StageAsync(VolumeInfo volume, string path, VolumeAccess access)
    {
        var what = Describe.Thing(volume.Kind, volume.Name);
        CheckFits(what, volume, access);
        if (state.OtherAt(path, volume.Id) is { } other)
            throw new VolumeException(VolumeError.Incompatible, $"{what}: {Field} {path} is that of volume '{other}'");
        var device = await AttachAsync(volume, access, access.IsReadOnly).ConfigureAwait(false);
        if (!access.IsBlock)
            await MountAsync(what, volume, device, path, access).ConfigureAwait(false);
        else if (MountTable.Read().At(path) is { } entry)
            throw await TakenAsync(what, Field, entry).ConfigureAwait(false);
        state.Change(volume.Id, record => record with { StagingPath = path });
    }

    /// <summary>
    /// Unmounts the staging path and takes the device away. What is not staged is unstaged already; <see cref="VolumeError.Busy"/> while
    /// the volume is published or otherwise in use.
    /// </summary>
    public async Task UnstageAsync(VolumeId id, string path)
    {
        var what = $"volume '{id}'";
        var device = await engine.FindDeviceAsync(id, CancellationToken.None).ConfigureAwait(false);
        var table = MountTable.Read();
        var entry = table.At(path);
        await CheckRemovableAsync(what, Field, id, entry, device).ConfigureAwait(false);
        if (device is not null && table.Of(device).FirstOrDefault(other => other.Path != path) is { } published)
            throw new VolumeException(
                VolumeError.Busy, $"{what} cannot be unstaged: it is still mounted at {published.Path}");
        await mounts.UnmountAsync(what, path).ConfigureAwait(false);
        await DetachAsync(what, id, device, entry).ConfigureAwait(false);
        state.Change(id, record => record with { StagingPath = null, Targets = [] });
    }

    /// <summary>Makes the volume a device, or finds that it is one.</summary>
    public Task<AttachedDevice> AttachAsync(VolumeInfo volume, VolumeAccess access, bool readOnly)
    {
        var blockBytes = volume.Parameters.TryGetValue(ParameterRules.SectorSize, out var text)
            ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)
            : AttachRequest.DefaultBlockBytes;
        // A file system that is mounted read-only may have to replay its log first, so the device of a volume is writable.
        var isReadOnly = volume.Kind == VolumeKind.Snapshot || (access.IsBlock && readOnly);
        return engine.AttachAsync(volume.Id, new AttachRequest(isReadOnly, blockBytes), CancellationToken.None);
    }

    /// <summary>Takes the device away after what was mounted of it, <paramref name="last"/>, is gone.</summary>
    public async Task DetachAsync(string what, VolumeId id, AttachedDevice? device, MountEntry? last)
    {
        var forget = device is null ? null : FileSystems.All.FirstOrDefault(one => one.Name == last?.FileSystem)?.Forget(device.Path);
        if (forget is not null)
            _ = await programs.TryRunAsync(what, forget).ConfigureAwait(false);
        await engine.DetachAsync(id, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Mounts the file system of an attached volume, made if it has none, and grown if its device has.</summary>
    public async Task MountAsync(string what, VolumeInfo volume, AttachedDevice device, string path, VolumeAccess access)
    {
        var entry = MountTable.Read().At(path);
        switch (MountPoint.Look(entry, device))
        {
            case Occupant.Volume:
                CheckSame(what, entry!, access, path);
                await GrowMountedAsync(what, device, entry!).ConfigureAwait(false);
                return;
            case Occupant.Stranger:
                throw await TakenAsync(what, Field, entry!).ConfigureAwait(false);
            case Occupant.DeadDevice:
                LogDead(log, what, path, entry!.Source);
                await mounts.UnmountAsync(what, path).ConfigureAwait(false);
                break;
        }

        NodePaths.MakeDirectory(Field, path);
        var (fileSystem, head) = await formatter.PrepareAsync(volume, device, access).ConfigureAwait(false);
        var isSnapshot = volume.Kind == VolumeKind.Snapshot;
        string[] readOnly = isSnapshot || access.IsReadOnly ? ["ro"] : [];
        var options = readOnly.Concat(fileSystem.MountOptions(isSnapshot)).Concat(access.MountFlags).Distinct().ToList();
        try
        {
            await mounts.MountAsync(what, device, path, fileSystem.Name, options).ConfigureAwait(false);
        }
        catch (VolumeException failure) when (isSnapshot && fileSystem is Btrfs && failure.Error == VolumeError.HostFailed)
        {
            throw new VolumeException(
                VolumeError.Incompatible,
                $"{failure.Message}. Before Linux 6.7 a btrfs snapshot cannot be mounted beside its origin: make a volume from it");
        }
        if (readOnly.Length == 0)
            await GrowAsync(what, device, fileSystem, head, path).ConfigureAwait(false);
    }

    /// <summary>Grows the mounted file system to its device, whatever the superblock on it says.</summary>
    public Task GrowAsync(string what, AttachedDevice device, MountEntry entry) =>
        programs.RunAsync(what, FileSystems.ByName(what, entry.FileSystem).Grow(device.Path, entry.Path));

    /// <summary>The refusal for a path that somebody else is mounted at.</summary>
    public async Task<VolumeException> TakenAsync(string what, string field, MountEntry entry) =>
        MountPoint.Taken(what, field, entry, await engine.ListDevicesAsync(CancellationToken.None).ConfigureAwait(false));

    /// <summary>
    /// Refuses to unmount what is not the volume: another volume, or what is no device of NBD at all. A device of NBD that the engine does
    /// not know is taken for the volume's, for this is the path that kubelet keeps for it.
    /// </summary>
    public async Task CheckRemovableAsync(string what, string field, VolumeId? id, MountEntry? entry, AttachedDevice? device)
    {
        if (MountPoint.Look(entry, device) != Occupant.Stranger)
            return;
        var devices = await engine.ListDevicesAsync(CancellationToken.None).ConfigureAwait(false);
        var owner = MountPoint.OwnerOf(entry!, devices);
        if (owner is null ? !MountPoint.IsNbd(entry!) : owner.Volume != id)
            throw MountPoint.Taken(what, field, entry!, devices);
    }

    private async Task GrowMountedAsync(string what, AttachedDevice device, MountEntry entry)
    {
        if (entry.IsReadOnly || FileSystems.All.FirstOrDefault(one => one.Name == entry.FileSystem) is not { } fileSystem)
            return;
        await GrowAsync(what, device, fileSystem, DeviceHead.Read(what, device.Path).Head, entry.Path).ConfigureAwait(false);
    }

    private async Task GrowAsync(string what, AttachedDevice device, IFileSystem fileSystem, byte[] head, string path)
    {
        var sizeBytes = fileSystem.SizeBytes(head);
        if (sizeBytes == 0 || device.SizeBytes - sizeBytes < GrowthBytesMin)
            return;
        LogGrowing(log, what, fileSystem.Name, sizeBytes, device.SizeBytes);
        await programs.RunAsync(what, fileSystem.Grow(device.Path, path)).ConfigureAwait(false);
    }

    private static void CheckFits(string what, VolumeInfo volume, VolumeAccess access)
    {
        if (volume.Kind == VolumeKind.Snapshot && !access.IsReadOnly)
            throw new VolumeException(
                VolumeError.Incompatible,
                $"{what} can only be read: ask for SINGLE_NODE_READER_ONLY or the mount flag 'ro', or make a volume from it");
    }

    private static void CheckSame(string what, MountEntry entry, VolumeAccess access, string path)
    {
        if (access.FileSystem.Length > 0 && access.FileSystem != entry.FileSystem)
            throw new VolumeException(
                VolumeError.Exists, $"{what} is staged at {path} as {entry.FileSystem}, not as {access.FileSystem}");
        // Read-only for everybody is no other way of staging but a file system that has given up after an error.
        if (access.IsReadOnly && !entry.IsReadOnly)
            throw new VolumeException(VolumeError.Exists, $"{what} is staged at {path} for writing, not read-only");
    }

    [LoggerMessage(1, LogLevel.Warning, "{What}: {Path} shows the dead device {Source}, which an earlier life has left; it is unmounted")]
    private static partial void LogDead(ILogger logger, string what, string path, string source);

    [LoggerMessage(2, LogLevel.Information, "{What}: its {FileSystem} grows from {FromBytes} to {ToBytes} bytes")]
    private static partial void LogGrowing(ILogger logger, string what, string fileSystem, long fromBytes, long toBytes);
}
