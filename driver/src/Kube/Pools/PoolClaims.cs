using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// Which claims have their volumes in a pool: a handle begins with the pool's id, and a persistent volume names its claim.
/// </summary>
internal sealed class PoolClaims(IKubeClient client, string driverName)
{
    /// <summary>The claims bound to volumes of the pool, ordered by namespace and name.</summary>
    public async Task<IReadOnlyList<ObjectReference>> FindAsync(string poolUuid, CancellationToken cancellation)
    {
        var volumes = await client.ListAsync<PersistentVolume>(KubeSelection.All, cancellation).ConfigureAwait(false);
        return
        [
            .. from volume in volumes.Items ?? []
               where volume.Spec.Csi?.Driver == driverName
                   && volume.Spec.Csi.VolumeHandle?.StartsWith($"{poolUuid}-", StringComparison.Ordinal) == true
               let claim = volume.Spec.ClaimRef
               where claim?.Name is not null && claim.Namespace is not null
               orderby claim.Namespace, claim.Name
               select claim with { ApiVersion = "v1", Kind = "PersistentVolumeClaim" },
        ];
    }
}
