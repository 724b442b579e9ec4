using CsiThin.Core.Pool;

namespace CsiThin.Driver.Attach;

/// <summary>
/// What our devices are known by in <c>/sys/block/nbdN/backend</c>: the volume's handle under our driver's name, so that nobody's device is
/// taken for ours, nor a device of one volume for another's.
/// </summary>
internal static class BackendName
{
    private const string Prefix = "thin.csithin.io/";

    /// <summary>The name of a volume's device.</summary>
    public static string Of(VolumeId volume) => Prefix + volume;

    /// <summary>Reads a name; false for one that is not ours.</summary>
    public static bool TryParse(string? backend, out VolumeId volume)
    {
        volume = default;
        return backend is not null
            && backend.StartsWith(Prefix, StringComparison.Ordinal)
            && VolumeId.TryParse(backend[Prefix.Length..], out volume);
    }
}
