using System.CommandLine;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary>
/// The engine's verbs on a pool, served or not (<see cref="PoolAccess"/>). Unlike CSI's they are not idempotent: a name that is taken is an
/// error.
/// </summary>
internal static class VolumeCommands
{
    /// <summary>The command <c>volume</c>.</summary>
    public static Command Build(CommandLine line) => new(
        "volume", "Make, list and change the volumes of a pool, also of one that is served (adopt and export: only of one that is not)")
    {
        Create(line), List(line), Snapshot(line), Clone(line), Resize(line), Delete(line),
        AdoptCommand.Build(line), ExportCommand.Build(line),
    };

    /// <summary>A volume with what it occupies.</summary>
    public static VolumeUsage Usage(ThinPool pool, VolumeInfo volume) => pool.FindVolume(volume.Id) ?? new VolumeUsage(volume, 0, 0);

    /// <summary>Prints what was done to a volume.</summary>
    public static int Show(Output output, string done, VolumeUsage usage)
    {
        var report = VolumeReport.Of(usage);
        output.Print(report, $"{Describe.Thing(usage.Volume.Kind, report.Name)} {done}: {report.Id}, {SizeText.Format(report.SizeBytes)}");
        return ExitCodes.Success;
    }

    private static Command Create(CommandLine line)
    {
        var name = Arguments.NewName("volume");
        var size = Size("Size of the volume, a multiple of 4K", required: true);
        return Verb(line, "create", "Make an empty volume", "created", [name], [size], async (parsed, pool, cancellation) =>
        {
            var spec = new VolumeSpec { Name = parsed.GetRequiredValue(name), SizeBytes = parsed.GetValue(size)!.Value };
            return await MakeAsync(pool, spec, cancellation).ConfigureAwait(false);
        });
    }

    private static Command List(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var engine = ControlSocket.Connect();
        var command = new Command("list", "List volumes and snapshots") { path, engine };
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var (_, usage) = await PoolAccess.LookAsync(parsed.GetRequiredValue(path), parsed.GetValue(engine), cancellation)
                .ConfigureAwait(false);
            var volumes = usage.Select(VolumeReport.Of).ToList();
            output.Print(volumes, text => VolumeReport.WriteTable(text, volumes));
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Snapshot(CommandLine line)
    {
        var source = Arguments.Text("VOLUME", "Name or handle of the volume");
        var name = Arguments.NewName("snapshot");
        return Verb(line, "snapshot", "Take a snapshot of a volume", "created", [source, name], [], async (parsed, pool, cancellation) =>
        {
            var text = parsed.GetRequiredValue(source);
            var volume = await VolumeLookup.FindAsync(pool, text, VolumeKind.Volume, cancellation).ConfigureAwait(false);
            var spec = new VolumeSpec { Name = parsed.GetRequiredValue(name), Kind = VolumeKind.Snapshot, Source = volume.Id };
            return await MakeAsync(pool, spec, cancellation).ConfigureAwait(false);
        });
    }

    private static Command Clone(CommandLine line)
    {
        var source = Arguments.Text("SOURCE", "Name or handle of the volume or snapshot whose content it starts with");
        var name = Arguments.NewName("volume");
        var size = Size("Size of the new volume, a multiple of 4K; the source's unless given, never less", required: false);
        const string What = "Make a volume with the content of another or of a snapshot";
        return Verb(line, "clone", What, "created", [source, name], [size], async (parsed, pool, cancellation) =>
        {
            var origin = await VolumeLookup.FindAsync(pool, parsed.GetRequiredValue(source), null, cancellation).ConfigureAwait(false);
            var spec = new VolumeSpec
            {
                Name = parsed.GetRequiredValue(name),
                Source = origin.Id,
                SizeBytes = parsed.GetValue(size) ?? origin.SizeBytes,
            };
            return await MakeAsync(pool, spec, cancellation).ConfigureAwait(false);
        });
    }

    private static Command Resize(CommandLine line)
    {
        var name = Existing();
        var size = Size("New size, a multiple of 4K; volumes do not shrink", required: true);
        return Verb(line, "resize", "Grow a volume", "resized", [name], [size], async (parsed, pool, cancellation) =>
        {
            var text = parsed.GetRequiredValue(name);
            var volume = await VolumeLookup.FindAsync(pool, text, VolumeKind.Volume, cancellation).ConfigureAwait(false);
            var grown = await pool.ResizeAsync(volume.Id, parsed.GetValue(size)!.Value, cancellation).ConfigureAwait(false);
            return await UsageAsync(pool, grown, cancellation).ConfigureAwait(false);
        });
    }

    private static Command Delete(CommandLine line)
    {
        var name = Existing();
        const string What = "Delete a volume or snapshot; what was made from it lives on";
        return Verb(line, "delete", What, "deleted", [name], [], async (parsed, pool, cancellation) =>
        {
            var volume = await VolumeLookup.FindAsync(pool, parsed.GetRequiredValue(name), null, cancellation).ConfigureAwait(false);
            var usage = await UsageAsync(pool, volume, cancellation).ConfigureAwait(false);
            await pool.DeleteAsync(volume.Id, cancellation).ConfigureAwait(false);
            return usage;
        });
    }

    /// <summary>A command that does one thing to one volume of the pool at PATH, and prints what has become of it.</summary>
    private static Command Verb(
        CommandLine line,
        string name,
        string description,
        string done,
        IEnumerable<Argument> arguments,
        IEnumerable<Option> options,
        Func<ParseResult, IVolumePool, CancellationToken, Task<VolumeUsage>> verb)
    {
        var path = Arguments.PoolPath();
        var engine = ControlSocket.Connect();
        var command = new Command(name, description) { path };
        foreach (var argument in arguments)
            command.Arguments.Add(argument);
        foreach (var option in options)
            command.Options.Add(option);
        command.Options.Add(engine);
        line.SetAction(command, async (parsed, output, cancellation) => Show(
            output,
            done,
            await PoolAccess.UseAsync(
                parsed.GetRequiredValue(path), parsed.GetValue(engine), pool => verb(parsed, pool, cancellation)).ConfigureAwait(false)));
        return command;
    }

    private static async Task<VolumeUsage> MakeAsync(IVolumePool pool, VolumeSpec spec, CancellationToken cancellation)
    {
        var made = await pool.CreateAsync(spec, cancellation).ConfigureAwait(false);
        return await UsageAsync(pool, made, cancellation).ConfigureAwait(false);
    }

    private static async Task<VolumeUsage> UsageAsync(IVolumePool pool, VolumeInfo volume, CancellationToken cancellation) =>
        await pool.FindVolumeAsync(volume.Id, cancellation).ConfigureAwait(false) ?? new VolumeUsage(volume, 0, 0);

    private static Argument<string> Existing() => Arguments.Text("NAME", "Name or handle of the volume or snapshot");

    private static Option<long?> Size(string description, bool required)
    {
        var size = Arguments.Size("--size", description, SizeRules.GranularityBytes);
        size.Required = required;
        return size;
    }
}
