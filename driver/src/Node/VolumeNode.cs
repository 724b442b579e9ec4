using CsiThin.Core.Device;
using CsiThin.Core.Device.Files;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Node;

/// <summary>
/// The verbs of a node, each idempotent as CSI wants it: staging, publishing, growing, measuring, and the way back.
/// <para>
/// Concurrency: one call at a time for a volume, and one for a path; a second one is told to come again (<see cref="VolumeError.Aborted"/>)
/// instead of waiting, for kubelet asks again by itself. Order: first the volume, then the path; nobody holds two paths. A call that has
/// begun to change something goes on when its caller gives up: half a mkfs helps nobody, and the next call finds it done.
/// </para>
/// </summary>
internal sealed class VolumeNode
{
    private readonly VolumeManager _volumes;
    private readonly INodeEngine _engine;
    private readonly NodePaths _paths;
    private readonly VolumeStager _stager;
    private readonly VolumePublisher _publisher;
    private readonly EphemeralVolumes _ephemeral;
    private readonly DevicePulse _pulse;
    private readonly bool _growsVolumes;
    private readonly KeyedLock _locks = new();

    /// <summary>
    /// A node on the volumes of an engine. Throws <see cref="IOException"/> when the state directory cannot be used.
    /// </summary>
    public VolumeNode(
        VolumeManager volumes, INodeEngine engine, NodeOptions options, HostPrograms programs, TimeProvider time, ILoggerFactory logs)
    {
        _volumes = volumes;
        _engine = engine;
        _growsVolumes = options.GrowsVolumes;
        _paths = new NodePaths(options.KubeletDirectory);
        _pulse = new DevicePulse(time);
        var state = new NodeState(options.StateDirectory, logs.CreateLogger<NodeState>());
        var mounts = new Mounts(programs);
        var formatter = new VolumeFormatter(engine, programs, state, time, logs.CreateLogger<VolumeFormatter>());
        _stager = new VolumeStager(engine, mounts, programs, formatter, state, logs.CreateLogger<VolumeStager>());
        _publisher = new VolumePublisher(engine, mounts, _stager, state, logs.CreateLogger<VolumePublisher>());
        _ephemeral = new EphemeralVolumes(volumes, engine, mounts, _stager, _publisher, state);
    }

    /// <summary>Makes a volume or snapshot ready on this node; see <see cref="VolumeStager"/>.</summary>
    public async Task StageAsync(string handle, string stagingPath, VolumeAccess access, CancellationToken cancellation)
    {
        var path = _paths.Resolve(VolumeStager.Field, stagingPath);
        using var held = await HoldAsync(handle, path, cancellation).ConfigureAwait(false);
        var (_, usage) = await _volumes.FindAsync(null, handle, cancellation).ConfigureAwait(false);
        await _stager.StageAsync(usage.Volume, path, access).ConfigureAwait(false);
    }

    /// <summary>Takes it back. A handle that is of nothing here has nothing staged.</summary>
    public async Task UnstageAsync(string handle, string stagingPath, CancellationToken cancellation)
    {
        var path = _paths.Resolve(VolumeStager.Field, stagingPath);
        using var held = await HoldAsync(handle, path, cancellation).ConfigureAwait(false);
        if (VolumeId.TryParse(handle, out var id))
            await _stager.UnstageAsync(id, path).ConfigureAwait(false);
        else if (MountTable.Read().At(path) is { } entry)
            throw await _stager.TakenAsync(Describe.Thing(VolumeKind.Volume, handle), VolumeStager.Field, entry).ConfigureAwait(false);
    }

    /// <summary>Shows a staged volume to a pod; see <see cref="VolumePublisher"/>.</summary>
    public async Task PublishAsync(
        string handle, string stagingPath, string target, VolumeAccess access, bool readOnly, CancellationToken cancellation)
    {
        var from = _paths.Resolve(VolumeStager.Field, stagingPath);
        var path = _paths.Resolve(VolumePublisher.Field, target);
        if (from == path)
            throw new VolumeException(
                VolumeError.InvalidArgument, $"{VolumePublisher.Field} {path} is the {VolumeStager.Field} as well; they must differ");
        using var held = await HoldAsync(handle, path, cancellation).ConfigureAwait(false);
        var (_, usage) = await _volumes.FindAsync(null, handle, cancellation).ConfigureAwait(false);
        await _publisher.PublishAsync(usage.Volume, from, path, access, readOnly).ConfigureAwait(false);
    }

    /// <summary>Makes and shows a volume that lives with a pod; see <see cref="EphemeralVolumes"/>.</summary>
    public async Task PublishEphemeralAsync(
        string name, string target, VolumeAccess access, bool readOnly, IReadOnlyDictionary<string, string> context,
        CancellationToken cancellation)
    {
        var path = _paths.Resolve(VolumePublisher.Field, target);
        using var held = await HoldAsync(name, path, cancellation).ConfigureAwait(false);
        await _ephemeral.PublishAsync(name, path, access, readOnly, context).ConfigureAwait(false);
    }

    /// <summary>Takes a volume away from a pod; one that lived with the pod is deleted.</summary>
    public async Task UnpublishAsync(string handle, string target, CancellationToken cancellation)
    {
        var path = _paths.Resolve(VolumePublisher.Field, target);
        using var held = await HoldAsync(handle, path, cancellation).ConfigureAwait(false);
        if (VolumeId.TryParse(handle, out var id))
            await _publisher.UnpublishAsync(Describe.Thing(VolumeKind.Volume, handle), id, path).ConfigureAwait(false);
        else
            await _ephemeral.UnpublishAsync(handle, path).ConfigureAwait(false);
    }

    /// <summary>
    /// Grows the device and the file system at <paramref name="volumePath"/> to the size the volume has by now; returns that size in
    /// bytes. A volume that is smaller than required is grown first where that is the node's task
    /// (<see cref="NodeOptions.GrowsVolumes"/>); elsewhere it is <see cref="VolumeError.OutOfRange"/>.
    /// </summary>
    public async Task<long> ExpandAsync(
        string handle, string volumePath, (long RequiredBytes, long LimitBytes) range, CancellationToken cancellation)
    {
        var path = _paths.Resolve("volume_path", volumePath);
        using var held = await HoldAsync(handle, path, cancellation).ConfigureAwait(false);
        var (volume, device, entry, _) = await LocateAsync(handle, path, cancellation).ConfigureAwait(false);
        var what = Describe.Thing(volume.Kind, volume.Name);
        if (range.RequiredBytes > volume.SizeBytes)
            volume = await GrowAsync(what, volume, range, cancellation).ConfigureAwait(false);
        device = await _engine.AttachAsync(volume.Id, new AttachRequest(device.ReadOnly, device.BlockBytes), CancellationToken.None)
            .ConfigureAwait(false);
        if (device.SizeBytes < volume.SizeBytes)
            throw new VolumeException(
                VolumeError.Unavailable, $"{what} has {volume.SizeBytes} bytes, but its device {device.Path} shows {device.SizeBytes} yet");
        if (!MountTable.HoldsFileSystemOf(entry, device))
            return device.SizeBytes;
        if (entry.IsFileSystemReadOnly)
            throw new VolumeException(VolumeError.Incompatible, $"{what} is mounted read-only at {path}, where nothing can be grown");
        await _stager.GrowAsync(what, device, entry).ConfigureAwait(false);
        return device.SizeBytes;
    }

    private async Task<VolumeInfo> GrowAsync(
        string what, VolumeInfo volume, (long RequiredBytes, long LimitBytes) range, CancellationToken cancellation)
    {
        if (!_growsVolumes)
            throw new VolumeException(
                VolumeError.OutOfRange,
                $"{what} has {volume.SizeBytes} bytes, less than the {range.RequiredBytes} required; expand it first");
        return await _volumes.ExpandAsync(volume.Id.ToString(), range.RequiredBytes, range.LimitBytes, cancellation).ConfigureAwait(false);
    }

    /// <summary>Measures what is at a path where the volume is staged or published. Takes no lock: it changes nothing.</summary>
    public async Task<VolumeStats> MeasureAsync(string handle, string volumePath, CancellationToken cancellation)
    {
        var path = _paths.Resolve("volume_path", volumePath);
        var (volume, device, entry, found) = await LocateAsync(handle, path, cancellation).ConfigureAwait(false);
        var status = await found.Pool.Pool.GetStatusAsync(cancellation).ConfigureAwait(false);
        var condition = PoolCondition.Of(found.Pool.Name, status);
        var stats = new VolumeStats { IsAbnormal = condition.IsAbnormal, Condition = condition.Message };
        if (await _pulse.ComplaintAsync(device).ConfigureAwait(false) is { } complaint)
            stats = stats.Worse(complaint);
        if (!MountTable.HoldsFileSystemOf(entry, device))
            return stats with { DeviceBytes = device.SizeBytes, MappedBytes = found.Usage.MappedBytes };
        if (entry.IsFileSystemReadOnly && !entry.Options.Contains("ro") && volume.Kind == VolumeKind.Volume)
            stats = stats.Worse($"its {entry.FileSystem} has become read-only after an error");
        try
        {
            return stats with { FileSystem = FileSystemUsage.Of(path) };
        }
        catch (DiskException failure)
        {
            return stats.Worse($"its {entry.FileSystem} does not answer: {failure.Message}");
        }
    }

    /// <summary>The volume, its device, and the mount of it at a path; <see cref="VolumeError.NotFound"/> when it is not there.</summary>
    private async Task<(VolumeInfo, AttachedDevice, MountEntry, (NamedPool Pool, VolumeUsage Usage))> LocateAsync(
        string handle, string path, CancellationToken cancellation)
    {
        var found = await FindAnyAsync(handle, cancellation).ConfigureAwait(false);
        var volume = found.Usage.Volume;
        var device = await _engine.FindDeviceAsync(volume.Id, cancellation).ConfigureAwait(false);
        var entry = MountTable.Read().At(path);
        return device is not null && entry is not null && MountPoint.Look(entry, device) == Occupant.Volume
            ? (volume, device, entry, found)
            : throw new VolumeException(VolumeError.NotFound, $"{Describe.Thing(volume.Kind, volume.Name)} is not mounted at {path}");
    }

    private async Task<(NamedPool Pool, VolumeUsage Usage)> FindAnyAsync(string handle, CancellationToken cancellation)
    {
        var known = VolumeId.TryParse(handle, out _) ? null : await _ephemeral.FindAsync(handle).ConfigureAwait(false);
        return await _volumes.FindAsync(null, known?.Id.ToString() ?? handle, cancellation).ConfigureAwait(false);
    }

    private async Task<IDisposable> HoldAsync(string handle, string path, CancellationToken cancellation)
    {
        var volume = await HoldOneAsync($"volume/{handle}", $"volume {NameRules.Quote(handle)}", cancellation).ConfigureAwait(false);
        try
        {
            return new Held(volume, await HoldOneAsync($"path/{path}", path, cancellation).ConfigureAwait(false));
        }
        catch
        {
            volume.Dispose();
            throw;
        }
    }

    private async Task<IDisposable> HoldOneAsync(string key, string what, CancellationToken cancellation) =>
        await _locks.AcquireAsync(key, TimeSpan.Zero, cancellation).ConfigureAwait(false)
        ?? throw new VolumeException(VolumeError.Aborted, $"another call for {what} is at work on this node; try again");

    private sealed class Held(IDisposable volume, IDisposable path) : IDisposable
    {
        public void Dispose()
        {
            path.Dispose();
            volume.Dispose();
        }
    }
}
