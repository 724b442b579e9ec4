using System.Reflection;
using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Grpc.Core;

namespace CsiThin.Driver.Csi;

/// <summary>CSI's Identity service: who this is, and whether it works.</summary>
internal sealed class IdentityService(Func<CancellationToken, Task<bool>> isReady, TimeProvider time) : Identity.IdentityBase
{
    /// <summary>kubelet's probes give up after a second unless told otherwise.</summary>
    private static readonly TimeSpan ProbeLimit = TimeSpan.FromMilliseconds(700);

    /// <summary>The driver's name, by which a StorageClass asks for it.</summary>
    public const string DriverName = "thin.csithin.io";

    /// <summary>The program's version without the build's suffix.</summary>
    public static string Version { get; } =
        typeof(IdentityService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <inheritdoc/>
    public override Task<GetPluginInfoResponse> GetPluginInfo(GetPluginInfoRequest request, ServerCallContext context) =>
        Task.FromResult(new GetPluginInfoResponse { Name = DriverName, VendorVersion = Version });

    /// <inheritdoc/>
    public override Task<GetPluginCapabilitiesResponse> GetPluginCapabilities(
        GetPluginCapabilitiesRequest request, ServerCallContext context) =>
        Task.FromResult(new GetPluginCapabilitiesResponse
        {
            Capabilities =
            {
                Service(PluginCapability.Types.Service.Types.Type.ControllerService),
                Service(PluginCapability.Types.Service.Types.Type.VolumeAccessibilityConstraints),
                new PluginCapability { VolumeExpansion = new() { Type = PluginCapability.Types.VolumeExpansion.Types.Type.Online } },
            },
        });

    /// <summary>
    /// Answers within a second. An engine that is away makes the plug-in one that is well and not ready, as the specification has it, and
    /// no error: an error asks for a restart, which would bring no engine back.
    /// </summary>
    public override async Task<ProbeResponse> Probe(ProbeRequest request, ServerCallContext context)
    {
        using var limit = new CancellationTokenSource(ProbeLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, limit.Token);
        try
        {
            return new ProbeResponse { Ready = await isReady(either.Token).ConfigureAwait(false) };
        }
        catch (Exception absence) when (absence is OperationCanceledException or VolumeException { Error: VolumeError.Unavailable })
        {
            return new ProbeResponse { Ready = false };
        }
    }

    /// <summary>
    /// Ready unless every pool has failed: one that failed is its volumes' condition, not a reason to restart what serves the others, and a
    /// node that owns no disks is as it should be.
    /// </summary>
    public static async Task<bool> AnyPoolServesAsync(IPoolSource pools, CancellationToken cancellation)
    {
        var found = await pools.GetPoolsAsync(cancellation).ConfigureAwait(false);
        foreach (var (_, pool) in found.All)
        {
            var status = await pool.GetStatusAsync(cancellation).ConfigureAwait(false);
            if (status.Mode != PoolMode.Failed)
                return true;
        }

        return found.All.Count == 0;
    }

    private static PluginCapability Service(PluginCapability.Types.Service.Types.Type type) => new() { Service = new() { Type = type } };
}
