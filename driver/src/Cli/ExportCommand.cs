using System.CommandLine;
using CsiThin.Core.Nbd;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary><c>volume export</c>: one volume of a pool that nobody has open, over NBD until SIGTERM.</summary>
internal static class ExportCommand
{
    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var path = Arguments.PoolPath();
        var name = Arguments.Text("NAME", "Name or handle of the volume or snapshot");
        var socket = new Option<string>("--socket") { Description = "NBD socket (mode 0600)", HelpName = "SOCK", Required = true };
        var readOnly = new Option<bool>("--read-only") { Description = "Refuse writes; a snapshot refuses them always" };
        var command = new Command("export", "Serve one volume over NBD until SIGTERM") { path, name, socket, readOnly };
        line.SetAction(command, (parsed, output, cancellation) => RunAsync(
            parsed.GetRequiredValue(path),
            parsed.GetRequiredValue(name),
            parsed.GetRequiredValue(socket),
            parsed.GetValue(readOnly),
            output,
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        string path, string name, string socket, bool readOnly, Output output, CancellationToken cancellation)
    {
        using var termination = new Termination();
        using var logs = ServerLogs.ToErrorStream();
        using var pool = PoolOpening.OpenGrown(path);
        var volume = VolumeLookup.Find(pool.ListVolumes(), name);
        var exports = new SingleExport(new EnginePool(pool), volume, readOnly);
        using (var server = new NbdServer(socket, exports, new NbdServerOptions { Log = NbdLogs.To(logs) }))
        {
            server.Start();
            var uri = $"nbd+unix:///?socket={Uri.EscapeDataString(Path.GetFullPath(socket)).Replace("%2F", "/", StringComparison.Ordinal)}";
            output.Print(
                new { Ready = true, Id = volume.Id.ToString(), volume.Name, Socket = socket, Uri = uri },
                $"ready: {Describe.Thing(volume.Kind, volume.Name)} on {uri}");
            await termination.WaitAsync(cancellation).ConfigureAwait(false);
        }

        pool.Close();
        return ExitCodes.Success;
    }
}
