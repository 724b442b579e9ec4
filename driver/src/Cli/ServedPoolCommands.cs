using System.CommandLine;
using CsiThin.Driver.Control;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary>A pool that an engine serves. The fields are promised; later versions may add to them.</summary>
internal sealed record ServedPoolReport(string Name, string Uuid, string Mode, long SizeBytes, long UsedBytes);

/// <summary>A pool whose disk was looked at again. The fields are promised; later versions may add to them.</summary>
internal sealed record GrowthReport(string Uuid, long SizeBytes, long GainedBytes);

/// <summary><c>pool served</c> and <c>pool grow</c>: what matters most where pools are served.</summary>
internal static class ServedPoolCommands
{
    /// <summary><c>pool served</c>.</summary>
    public static Command Served(CommandLine line)
    {
        var engine = ControlSocket.Connect();
        var command = new Command("served", "List the pools that the engine on this host serves") { engine };
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var socketPath = parsed.GetValue(engine) ?? ControlSocket.DefaultPath;
            using var connection = new EngineConnection(socketPath, EnginePatience.None, TimeProvider.System);
            var reports = new List<ServedPoolReport>();
            foreach (var (name, pool) in (await new RemotePools(connection).GetPoolsAsync(cancellation).ConfigureAwait(false)).All)
            {
                var status = await pool.GetStatusAsync(cancellation).ConfigureAwait(false);
                reports.Add(new ServedPoolReport(
                    name,
                    status.Uuid.ToString("N"),
                    Describe.Mode(status.Mode),
                    (long)status.DataBlocksTotal * status.DataBlockBytes,
                    (long)status.DataBlocksUsed * status.DataBlockBytes));
            }

            output.Print(reports, text => Write(text, reports));
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary><c>pool grow</c>.</summary>
    public static Command Grow(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var engine = ControlSocket.Connect();
        var command = new Command(
            "grow",
            "Take up what the pool's file or device has grown by, also while it is served: writes that wait for space go on. Example: "
            + "truncate -s 20G /var/lib/csithin.pool && csi-thin pool grow /var/lib/csithin.pool")
        {
            path, engine,
        };
        line.SetAction(command, async (parsed, output, cancellation) =>
        {
            var (where, enginePath) = (parsed.GetRequiredValue(path), parsed.GetValue(engine));
            // Whoever opens or serves a pool takes up growth unasked, so what is gained is what the state before lacks.
            var (before, _) = await PoolAccess.LookAsync(where, enginePath, cancellation).ConfigureAwait(false);
            var after = await PoolAccess.UseAsync(where, enginePath, async pool =>
            {
                _ = await pool.GrowToDiskAsync(cancellation).ConfigureAwait(false);
                return await pool.GetStatusAsync(cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
            var gainedBytes = (long)(after.DataBlocksTotal - before.DataBlocksTotal) * after.DataBlockBytes;
            var report = new GrowthReport(
                after.Uuid.ToString("N"), (long)after.DataBlocksTotal * after.DataBlockBytes, gainedBytes);
            output.Print(
                report,
                $"pool {report.Uuid} has {SizeText.Format(report.SizeBytes)} for data, "
                + (gainedBytes > 0 ? $"{SizeText.Format(gainedBytes)} more than before" : "as before"));
            return ExitCodes.Success;
        });
        return command;
    }

    private static void Write(TextWriter text, IReadOnlyList<ServedPoolReport> pools)
    {
        string[] heading = ["NAME", "MODE", "SIZE", "USED", "UUID"];
        Output.Table(text, [heading, .. pools.Select(pool => new[]
        {
            pool.Name, pool.Mode, SizeText.Format(pool.SizeBytes), SizeText.Format(pool.UsedBytes), pool.Uuid,
        })]);
    }
}
