using CsiThin.Core.Device.Files;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Node;

/// <summary>
/// Publishing: what is staged is shown at a pod's path, a directory for a file system, a file for a device.
/// <list type="bullet">
/// <item>Kubelet does not stage again after a reboot, so a volume that is not staged is staged here.</item>
/// <item>A mount that is read-only does not keep anybody from writing to a device node, so a device that is published read-only is attached
/// read-only; both at once is impossible.</item>
/// <item>Who counts as published is in the kernel's table; with which mode, in the record.</item>
/// </list>
/// <para>Concurrency: the caller holds the locks of the volume and of the path.</para>
/// </summary>
internal sealed partial class VolumePublisher(
    INodeEngine engine, Mounts mounts, VolumeStager stager, NodeState state, ILogger<VolumePublisher> log)
{
    /// <summary>What a request calls the path.</summary>
    public const string Field = "target_path";

    /// <summary>Publishes at a target, from a staging path; both have been resolved.</summary>
    public async Task PublishAsync(VolumeInfo volume, string stagingPath, string target, VolumeAccess access, bool readOnly)
    {
        var what = Describe.Thing(volume.Kind, volume.Name);
        var isReadOnly = readOnly || access.IsReadOnly || volume.Kind == VolumeKind.Snapshot;
        if (state.OtherAt(target, volume.Id) is { } other)
            throw new VolumeException(VolumeError.Incompatible, $"{what}: {Field} {target} is that of volume '{other}'");
        var device = await engine.FindDeviceAsync(volume.Id, CancellationToken.None).ConfigureAwait(false);
        CheckOthers(what, volume.Id, device, stagingPath, target, access.Mode);
        var wanted = new PublishedTarget(target, access.Mode, isReadOnly);
        if (access.IsBlock)
            await PublishDeviceAsync(what, volume, device, access, wanted).ConfigureAwait(false);
        else
            await PublishFileSystemAsync(what, volume, stagingPath, access, wanted).ConfigureAwait(false);
        Remember(volume.Id, wanted);
    }

    /// <summary>
    /// Unmounts a target and removes it. What is not there is unpublished already. <paramref name="id"/> is null for a volume that is gone.
    /// </summary>
    public async Task UnpublishAsync(string what, VolumeId? id, string target)
    {
        if (MountTable.Read().At(target) is { } entry)
        {
            // At a shutdown the engine may be gone before the last pod: what the record says is ours can go without it.
            var isOurs = id is { } known && state.Of(known).Targets.Any(one => one.Path == target);
            try
            {
                var device = id is { } one ? await engine.FindDeviceAsync(one, CancellationToken.None).ConfigureAwait(false) : null;
                await stager.CheckRemovableAsync(what, Field, id, entry, device).ConfigureAwait(false);
            }
            catch (VolumeException absent) when (absent.Error == VolumeError.Unavailable && isOurs)
            {
                LogNoEngine(log, what, target, absent.Message);
            }
            await mounts.UnmountAsync(what, target).ConfigureAwait(false);
        }

        NodePaths.RemoveTarget(Field, target);
        if (id is { } volume)
            state.Change(volume, record => record with { Targets = [.. record.Targets.Where(one => one.Path != target)] });
    }

    private async Task PublishFileSystemAsync(
        string what, VolumeInfo volume, string stagingPath, VolumeAccess access, PublishedTarget target)
    {
        await RestageAsync(what, volume, stagingPath, access).ConfigureAwait(false);
        var device = await engine.FindDeviceAsync(volume.Id, CancellationToken.None).ConfigureAwait(false);
        if (await IsPublishedAsync(what, device, target).ConfigureAwait(false))
            return;
        NodePaths.MakeDirectory(Field, target.Path);
        await mounts.BindAsync(what, stagingPath, target.Path, target.ReadOnly).ConfigureAwait(false);
    }

    private async Task PublishDeviceAsync(
        string what, VolumeInfo volume, AttachedDevice? present, VolumeAccess access, PublishedTarget target)
    {
        if (present is not null && present.ReadOnly != target.ReadOnly && volume.Kind == VolumeKind.Volume)
        {
            if (MountTable.Read().Of(present).FirstOrDefault() is { } user)
                throw new VolumeException(
                    user.Path == target.Path ? VolumeError.Exists : VolumeError.Incompatible,
                    $"{what} cannot be published {ReadOrWrite(target.ReadOnly)} at {target.Path}: its device is " +
                    $"{ReadOrWrite(present.ReadOnly)} for {user.Path}");
            await engine.DetachAsync(volume.Id, CancellationToken.None).ConfigureAwait(false);
        }

        var device = await stager.AttachAsync(volume, access, target.ReadOnly).ConfigureAwait(false);
        if (await IsPublishedAsync(what, device, target).ConfigureAwait(false))
            return;
        NodePaths.MakeFile(Field, target.Path);
        await mounts.BindAsync(what, device.Path, target.Path, readOnly: false).ConfigureAwait(false);
        if (PathKinds.DeviceNumberOf(target.Path) != (device.Major, device.Minor))
            throw new VolumeException(
                VolumeError.HostFailed, $"{what}: {target.Path} does not show {device.Path} after it was mounted there");
    }

    /// <summary>The staging path as it has to be: after a reboot nothing is there, and kubelet does not ask again.</summary>
    private async Task RestageAsync(string what, VolumeInfo volume, string stagingPath, VolumeAccess access)
    {
        var device = await engine.FindDeviceAsync(volume.Id, CancellationToken.None).ConfigureAwait(false);
        if (MountPoint.Look(MountTable.Read().At(stagingPath), device) == Occupant.Volume)
            return;
        LogRestaging(log, what, stagingPath);
        await stager.StageAsync(volume, stagingPath, access).ConfigureAwait(false);
    }

    /// <summary>True when the target is as wanted; what an earlier life has left half done or dead there is put right.</summary>
    private async Task<bool> IsPublishedAsync(string what, AttachedDevice? device, PublishedTarget target)
    {
        var entry = MountTable.Read().At(target.Path);
        switch (MountPoint.Look(entry, device))
        {
            case Occupant.Nobody:
                return false;
            case Occupant.DeadDevice:
                await mounts.UnmountAsync(what, target.Path).ConfigureAwait(false);
                return false;
            case Occupant.Stranger:
                throw await stager.TakenAsync(what, Field, entry!).ConfigureAwait(false);
        }

        // A device's mount has no read-only of its own, see above.
        var isReadOnly = entry!.Root == "/" ? entry.IsReadOnly : device!.ReadOnly;
        if (isReadOnly == target.ReadOnly)
            return true;
        var isUnknown = !state.Of(device!.Volume).Targets.Any(one => one.Path == target.Path);
        if (target.ReadOnly && entry.Root == "/" && isUnknown)
        {
            // Mounted, not yet read-only, not yet recorded: the step between was a crash.
            await mounts.MakeReadOnlyAsync(what, target.Path).ConfigureAwait(false);
            return true;
        }
        throw new VolumeException(
            VolumeError.Exists,
            $"{what} is published at {target.Path} {ReadOrWrite(isReadOnly)}, not {ReadOrWrite(target.ReadOnly)}");
    }

    /// <summary>CSI's table of second publications (NodePublishVolume): one target only, unless there may be several writers.</summary>
    private void CheckOthers(string what, VolumeId id, AttachedDevice? device, string stagingPath, string target, AccessMode mode)
    {
        if (device is null)
            return;
        var others = MountTable.Read().Of(device).Where(entry => entry.Path != stagingPath && entry.Path != target).ToList();
        var recorded = state.Of(id).Targets.Where(one => one.Mode != AccessMode.MultiWriter).Select(one => one.Path).ToHashSet();
        if (others.FirstOrDefault(entry => mode != AccessMode.MultiWriter || recorded.Contains(entry.Path)) is not { } other)
            return;
        throw new VolumeException(
            VolumeError.Incompatible,
            $"{what} cannot be published at {target}: it is at {other.Path} already, and its access mode " +
            $"allows one target at a time");
    }

    private void Remember(VolumeId id, PublishedTarget target) => state.Change(id, record => record.Targets.Contains(target)
        ? record
        : record with { Targets = [.. record.Targets.Where(one => one.Path != target.Path), target] });

    private static string ReadOrWrite(bool readOnly) => readOnly ? "read-only" : "for writing";

    [LoggerMessage(1, LogLevel.Information, "{What} is not mounted at its staging path {Path}; it is staged before it is published")]
    private static partial void LogRestaging(ILogger logger, string what, string path);

    [LoggerMessage(2, LogLevel.Warning, "{What}: {Target} is unmounted although the engine does not answer: {Reason}")]
    private static partial void LogNoEngine(ILogger logger, string what, string target, string reason);
}
