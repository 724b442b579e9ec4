using Csi.V1;
using CsiThin.Driver.Volumes;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace CsiThin.Driver.Csi;

/// <summary>
/// How a volume may be used. The disk is in one node, so every single-node mode works and no multi-node mode does: promising one would
/// leave a pod on another node waiting for ever.
/// </summary>
internal static class CapabilityRules
{
    /// <summary>Null when every capability works, else why the first that does not, does not.</summary>
    public static string? Unsupported(IReadOnlyCollection<VolumeCapability> capabilities)
    {
        foreach (var capability in capabilities)
        {
            if (Unsupported(capability) is { } reason)
                return reason;
        }

        return capabilities.Select(capability => capability.AccessTypeCase).Distinct().Count() > 1
            ? "it cannot be a block device and a mounted file system at once"
            : null;
    }

    /// <summary>Throws <see cref="VolumeError.InvalidArgument"/> when there is none, or one that does not work.</summary>
    public static void Check(string what, IReadOnlyCollection<VolumeCapability> capabilities)
    {
        CheckPresent(what, capabilities);
        if (Unsupported(capabilities) is { } reason)
            throw new VolumeException(VolumeError.InvalidArgument, $"{what}: {reason}");
    }

    /// <summary>Throws <see cref="VolumeError.InvalidArgument"/> when there is none.</summary>
    public static void CheckPresent(string what, IReadOnlyCollection<VolumeCapability> capabilities)
    {
        if (capabilities.Count == 0)
            throw new VolumeException(
                VolumeError.InvalidArgument, $"{what}: volume_capabilities is empty; one capability at least must be given");
    }

    /// <summary>
    /// True when the node has a file system to grow after the volume has grown. Without a capability it is asked, which does no harm.
    /// </summary>
    public static bool NeedsNodeExpansion(VolumeCapability? capability) =>
        capability?.AccessTypeCase != VolumeCapability.AccessTypeOneofCase.Block;

    private static string? Unsupported(VolumeCapability capability)
    {
        if (capability.AccessTypeCase == VolumeCapability.AccessTypeOneofCase.None)
            return "a capability has neither block nor mount as its access type";
        return capability.AccessMode?.Mode switch
        {
            Mode.SingleNodeWriter or Mode.SingleNodeReaderOnly or Mode.SingleNodeSingleWriter or Mode.SingleNodeMultiWriter => null,
            null or Mode.Unknown => "a capability has no access mode",
            Mode.MultiNodeReaderOnly => NotOnOthers("MULTI_NODE_READER_ONLY"),
            Mode.MultiNodeSingleWriter => NotOnOthers("MULTI_NODE_SINGLE_WRITER"),
            Mode.MultiNodeMultiWriter => NotOnOthers("MULTI_NODE_MULTI_WRITER"),
            { } other => $"the access mode {(int)other} is unknown",
        };
    }

    private static string NotOnOthers(string mode) =>
        $"the access mode {mode} does not work: the disk is in one node, only single-node modes do";
}
