using Csi.V1;
using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace CsiThin.Driver.Csi;

/// <summary>Reads the requests of the Node service; pure, like <see cref="RequestRules"/>.</summary>
internal static class NodeRules
{
    // CSI: "The total size of this repeated field SHALL NOT exceed 4 KiB."
    private const int MountFlagsBytesMax = 4096;

    // What would make mount do something else than mount this device here.
    private static readonly string[] ForeignFlags =
        ["bind", "rbind", "move", "remount", "loop", "offset", "sizelimit", "helper", "users", "user", "owner", "group"];

    private static readonly string[] ForeignPrefixes = ["loop=", "offset=", "sizelimit=", "helper=", "user=", "x-", "X-", "uhelper="];

    /// <summary>How a volume is to be used; <see cref="VolumeError.InvalidArgument"/> for what makes no sense.</summary>
    public static VolumeAccess ReadAccess(string what, VolumeCapability? capability)
    {
        if (capability is null)
            throw Invalid($"{what}: volume_capability is missing");
        CapabilityRules.Check(what, [capability]);
        var access = new VolumeAccess { Mode = ReadMode(capability.AccessMode.Mode) };
        if (capability.AccessTypeCase == VolumeCapability.AccessTypeOneofCase.Block)
            return access with { IsBlock = true };
        var mount = capability.Mount;
        CheckFlags(what, mount.MountFlags);
        if (mount.VolumeMountGroup.Length > 0)
            throw Invalid($"{what}: volume_mount_group is given, but the capability VOLUME_MOUNT_GROUP is not promised here");
        if (mount.FsType.Length > 0)
            _ = FileSystems.ByName(what, mount.FsType);
        return access with { FileSystem = mount.FsType, MountFlags = [.. mount.MountFlags] };
    }

    /// <summary>The value of a path that must be given.</summary>
    public static string RequiredPath(string volumeId, string field, string value) =>
        RequestRules.Required(NameOf(volumeId), field, value);

    /// <summary>The volume's id, which must be given.</summary>
    public static string RequiredId(string verb, string volumeId) => RequestRules.Required(verb, "volume_id", volumeId);

    /// <summary>The volume as messages name it.</summary>
    public static string NameOf(string volumeId) => $"volume {NameRules.Quote(volumeId)}";

    private static AccessMode ReadMode(Mode mode) => mode switch
    {
        Mode.SingleNodeReaderOnly => AccessMode.SingleReader,
        Mode.SingleNodeMultiWriter => AccessMode.MultiWriter,
        _ => AccessMode.SingleWriter, // CapabilityRules let nothing else through
    };

    private static void CheckFlags(string what, Google.Protobuf.Collections.RepeatedField<string> flags)
    {
        var bytes = flags.Sum(flag => System.Text.Encoding.UTF8.GetByteCount(flag));
        if (bytes > MountFlagsBytesMax)
            throw Invalid($"{what}: mount_flags have {bytes} bytes, above the limit of {MountFlagsBytesMax}");
        // Flags may be confidential: the message says which one by its place.
        foreach (var (index, flag) in flags.Index())
        {
            if (flag.Length == 0 || flag.StartsWith('-') || flag.Any(character => char.IsControl(character) || character is ' ' or ','))
                throw Invalid($"{what}: mount flag {index + 1} of {flags.Count} is no single mount option");
            if (ForeignFlags.Contains(flag) || ForeignPrefixes.Any(prefix => flag.StartsWith(prefix, StringComparison.Ordinal)))
                throw Invalid($"{what}: mount flag {index + 1} of {flags.Count} is not for the file system of a volume");
        }
    }

    private static VolumeException Invalid(string message) => new(VolumeError.InvalidArgument, message);
}
