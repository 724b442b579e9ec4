using System.CommandLine;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary><c>volume adopt</c>: makes a thin device that the kernel or another tool made in a pool of ours a volume.</summary>
internal static class AdoptCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var thin = new Argument<uint>("THINID") { Description = "Id of the thin device, as 'csi-thin pool ls PATH' shows it" };
        thin.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && uint.TryParse(text, out var id) && id > ThinId.MaxValue)
                result.AddError($"a thin id is at most {ThinId.MaxValue}, and {id} is above");
        });
        var name = Arguments.NewName("volume");
        var size = Arguments.Size(
            "--size", "Size of the volume, a multiple of 4K; up to its highest mapped block unless given", SizeRules.GranularityBytes);
        var snapshot = new Option<bool>("--snapshot") { Description = "Adopt it as a snapshot, read-only from then on" };
        var command = new Command(
            "adopt",
            "Make a thin device that somebody else made in the pool a volume. Example: csi-thin volume adopt /var/lib/csithin.pool 7 data")
        {
            path, thin, name, size, snapshot,
        };
        line.SetAction(command, (parsed, output) => VolumeCommands.Show(
            output,
            "adopted",
            PoolOpening.With(parsed.GetRequiredValue(path), pool => VolumeCommands.Usage(pool, pool.Adopt(
                new ThinId(parsed.GetRequiredValue(thin)),
                parsed.GetRequiredValue(name),
                parsed.GetValue(snapshot) ? VolumeKind.Snapshot : VolumeKind.Volume,
                parsed.GetValue(size))))));
        return command;
    }
}
