using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary>
/// Which volume or snapshot a person means: a handle means one; a name may mean a volume and a snapshot, then it must be said.
/// </summary>
internal static class VolumeLookup
{
    /// <summary>The same in a pool, whoever has it.</summary>
    public static async Task<VolumeInfo> FindAsync(IVolumePool pool, string text, VolumeKind? kind, CancellationToken cancellation) =>
        Find(await pool.ListVolumesAsync(0, int.MaxValue, cancellation).ConfigureAwait(false), text, kind);

    /// <summary>
    /// The one that <paramref name="text"/> names, of <paramref name="kind"/> if given. <see cref="CliException"/> when there is none, or
    /// two.
    /// </summary>
    public static VolumeInfo Find(IReadOnlyList<VolumeInfo> volumes, string text, VolumeKind? kind = null)
    {
        var matches = volumes.Where(volume => volume.Id.ToString() == text).ToList();
        if (matches.Count == 0)
            matches = [.. volumes.Where(volume => volume.Name == text && (kind is null || volume.Kind == kind))];
        var wanted = kind is { } one ? Describe.Kind(one) : "volume or snapshot";
        return matches switch
        {
            [] => throw new CliException($"there is no {wanted} {NameRules.Quote(text)} in the pool"),
            [var only] when kind is not null && only.Kind != kind =>
                throw new CliException($"{NameRules.Quote(text)} is a {Describe.Kind(only.Kind)}, not a {wanted}"),
            [var only] => only,
            _ => throw new CliException(
                $"{NameRules.Quote(text)} is the name of a volume and of a snapshot; give the handle: " +
                string.Join(" or ", matches.Select(match => match.Id))),
        };
    }
}
