using System.CommandLine;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary>
/// The engine's verbs on a pool that nobody has open. Unlike CSI's they are not idempotent: a name that is taken is an error.
/// </summary>
internal static class VolumeCommands
{
    /// <summary>The command <c>volume</c>.</summary>
    public static Command Build(CommandLine line) => new("volume", "Make, list and change the volumes of a pool that nobody has open")
    {
        Create(line), List(line), Snapshot(line), Clone(line), Resize(line), Delete(line),
        AdoptCommand.Build(line), ExportCommand.Build(line),
    };

    private static Command Create(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var name = Arguments.NewName("volume");
        var size = Size("Size of the volume, a multiple of 4K", required: true);
        var command = new Command("create", "Make an empty volume") { path, name, size };
        line.SetAction(command, (parsed, output) => Show(output, "created", PoolOpening.With(parsed.GetRequiredValue(path), pool =>
            Usage(pool, pool.Create(new VolumeSpec { Name = parsed.GetRequiredValue(name), SizeBytes = parsed.GetValue(size)!.Value })))));
        return command;
    }

    private static Command List(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var command = new Command("list", "List volumes and snapshots") { path };
        line.SetAction(command, (parsed, output) =>
        {
            using var pool = PoolInspector.Open(parsed.GetRequiredValue(path));
            var volumes = pool.Volumes.Select(VolumeReport.Of).ToList();
            output.Print(volumes, text => VolumeReport.WriteTable(text, volumes));
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Snapshot(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var source = Arguments.Text("VOLUME", "Name or handle of the volume");
        var name = Arguments.NewName("snapshot");
        var command = new Command("snapshot", "Take a snapshot of a volume") { path, source, name };
        line.SetAction(command, (parsed, output) => Show(output, "created", PoolOpening.With(parsed.GetRequiredValue(path), pool =>
        {
            var volume = VolumeLookup.Find(pool.ListVolumes(), parsed.GetRequiredValue(source), VolumeKind.Volume);
            return Usage(
                pool, pool.Create(new VolumeSpec { Name = parsed.GetRequiredValue(name), Kind = VolumeKind.Snapshot, Source = volume.Id }));
        })));
        return command;
    }

    private static Command Clone(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var source = Arguments.Text("SOURCE", "Name or handle of the volume or snapshot whose content it starts with");
        var name = Arguments.NewName("volume");
        var size = Size("Size of the new volume, a multiple of 4K; the source's unless given, never less", required: false);
        var command = new Command("clone", "Make a volume with the content of another or of a snapshot") { path, source, name, size };
        line.SetAction(command, (parsed, output) => Show(output, "created", PoolOpening.With(parsed.GetRequiredValue(path), pool =>
        {
            var origin = VolumeLookup.Find(pool.ListVolumes(), parsed.GetRequiredValue(source));
            return Usage(pool, pool.Create(new VolumeSpec
            {
                Name = parsed.GetRequiredValue(name),
                Source = origin.Id,
                SizeBytes = parsed.GetValue(size) ?? origin.SizeBytes,
            }));
        })));
        return command;
    }

    private static Command Resize(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var name = Existing();
        var size = Size("New size, a multiple of 4K; volumes do not shrink", required: true);
        var command = new Command("resize", "Grow a volume") { path, name, size };
        line.SetAction(command, (parsed, output) => Show(output, "resized", PoolOpening.With(parsed.GetRequiredValue(path), pool =>
        {
            var volume = VolumeLookup.Find(pool.ListVolumes(), parsed.GetRequiredValue(name), VolumeKind.Volume);
            return Usage(pool, pool.Resize(volume.Id, parsed.GetValue(size)!.Value));
        })));
        return command;
    }

    private static Command Delete(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var name = Existing();
        var command = new Command("delete", "Delete a volume or snapshot; what was made from it lives on") { path, name };
        line.SetAction(command, (parsed, output) => Show(output, "deleted", PoolOpening.With(parsed.GetRequiredValue(path), pool =>
        {
            var usage = Usage(pool, VolumeLookup.Find(pool.ListVolumes(), parsed.GetRequiredValue(name)));
            pool.Delete(usage.Volume.Id);
            return usage;
        })));
        return command;
    }

    private static Argument<string> Existing() => Arguments.Text("NAME", "Name or handle of the volume or snapshot");

    private static Option<long?> Size(string description, bool required)
    {
        var size = Arguments.Size("--size", description, SizeRules.GranularityBytes);
        size.Required = required;
        return size;
    }

    /// <summary>A volume with what it occupies.</summary>
    public static VolumeUsage Usage(ThinPool pool, VolumeInfo volume) => pool.FindVolume(volume.Id) ?? new VolumeUsage(volume, 0, 0);

    /// <summary>Prints what was done to a volume.</summary>
    public static int Show(Output output, string done, VolumeUsage usage)
    {
        var report = VolumeReport.Of(usage);
        output.Print(report, $"{Describe.Thing(usage.Volume.Kind, report.Name)} {done}: {report.Id}, {SizeText.Format(report.SizeBytes)}");
        return ExitCodes.Success;
    }
}
