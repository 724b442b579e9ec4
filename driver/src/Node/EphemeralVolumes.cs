using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Node;

/// <summary>
/// Volumes that a pod brings along ("ephemeral inline"): made when they are published, deleted when they are unpublished. Kubelet's id for
/// such a volume is its name in the pool, so that whatever a crash leaves is found again, without a record of ours.
/// <para>
/// Any author of a pod may ask for one, so less can be asked for than in a StorageClass: <c>size</c> and <c>pool</c>. Options for mkfs,
/// which could make it read the host's files, are none of it.
/// </para>
/// </summary>
internal sealed class EphemeralVolumes(
    VolumeManager volumes, INodeEngine engine, Mounts mounts, VolumeStager stager, VolumePublisher publisher, NodeState state)
{
    private const string Size = "size";
    private const string KubernetesPrefix = "csi.storage.k8s.io/";

    /// <summary>True when the context of a publication asks for such a volume.</summary>
    public static bool IsAskedFor(IReadOnlyDictionary<string, string> context) =>
        context.TryGetValue(ParameterRules.Ephemeral, out var value) && value == "true";

    /// <summary>Makes the volume and mounts it straight at its target.</summary>
    public async Task PublishAsync(
        string name, string target, VolumeAccess access, bool readOnly, IReadOnlyDictionary<string, string> context)
    {
        var volume = await volumes.CreateAsync(ReadRequest(name, access, context), CancellationToken.None).ConfigureAwait(false);
        var what = Describe.Thing(VolumeKind.Volume, name);
        if (!volume.Parameters.ContainsKey(ParameterRules.Ephemeral))
            throw new VolumeException(VolumeError.Exists, $"{what} exists, but is no volume that lives with a pod");
        var device = await stager.AttachAsync(volume, access, readOnly: false).ConfigureAwait(false);
        await stager.MountAsync(what, volume, device, target, access).ConfigureAwait(false);
        if (readOnly)
            await mounts.MakeReadOnlyAsync(what, target).ConfigureAwait(false);
        state.Change(volume.Id, record => record with { Targets = [new PublishedTarget(target, access.Mode, readOnly)] });
    }

    /// <summary>The volume of that name, if it is one that lives with a pod.</summary>
    public async Task<VolumeInfo?> FindAsync(string name)
    {
        if (name.Length is 0 or > NameRules.MaximumBytes)
            return null;
        var pools = await volumes.Pools.GetPoolsAsync(CancellationToken.None).ConfigureAwait(false);
        var found = await pools.FindByNameAsync(VolumeKind.Volume, name, CancellationToken.None).ConfigureAwait(false);
        return found is var (_, volume) && volume.Parameters.ContainsKey(ParameterRules.Ephemeral) ? volume : null;
    }

    /// <summary>Unmounts the target and deletes the volume; of a volume that is gone, what is left of the target.</summary>
    public async Task UnpublishAsync(string name, string target)
    {
        var volume = await FindAsync(name).ConfigureAwait(false);
        var what = Describe.Thing(VolumeKind.Volume, name);
        var device = volume is null ? null : await engine.FindDeviceAsync(volume.Id, CancellationToken.None).ConfigureAwait(false);
        var entry = MountTable.Read().At(target);
        await publisher.UnpublishAsync(what, volume?.Id, target).ConfigureAwait(false);
        if (volume is null)
            return;
        await stager.DetachAsync(what, volume.Id, device, entry).ConfigureAwait(false);
        await volumes.DeleteAsync(VolumeKind.Volume, volume.Id.ToString(), CancellationToken.None).ConfigureAwait(false);
        state.Change(volume.Id, _ => new VolumeRecord());
    }

    private static VolumeRequest ReadRequest(string name, VolumeAccess access, IReadOnlyDictionary<string, string> context)
    {
        NameRules.Check("volume", name);
        var what = Describe.Thing(VolumeKind.Volume, name);
        if (access.IsBlock)
            throw new VolumeException(VolumeError.InvalidArgument, $"{what}: a volume that lives with a pod cannot be a block device");
        if (VolumeId.TryParse(name, out _))
            throw new VolumeException(VolumeError.InvalidArgument, $"{what}: the id of a volume that lives with a pod reads like a handle");
        var parameters = new Dictionary<string, string> { [ParameterRules.Ephemeral] = "true" };
        var sizeBytes = SizeRules.DefaultBytes;
        foreach (var (key, value) in context)
        {
            if (key == Size)
                sizeBytes = QuantityText.Parse(what, Size, value);
            else if (key == ParameterRules.Pool)
                parameters[key] = value;
            else if (!key.StartsWith(KubernetesPrefix, StringComparison.Ordinal))
                throw new VolumeException(
                    VolumeError.InvalidArgument,
                    $"{what}: unknown volume attribute {NameRules.Quote(key)}; there is '{Size}' and '{ParameterRules.Pool}'");
        }

        return new VolumeRequest { Name = name, RequiredBytes = sizeBytes, Parameters = parameters };
    }
}
