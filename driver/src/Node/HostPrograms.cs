using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Node;

/// <summary>
/// Runs the standard programs of the host: with a time limit, in the C locale, without a shell and without a terminal. A program that does
/// not end is killed with its children. Arguments never reach a message, for mount flags may be confidential. Any thread may call.
/// </summary>
internal sealed class HostPrograms(IReadOnlyList<string> folders, TimeProvider time)
{
    private const int LastWordsCharacters = 1024;

    // Where distributions keep them; the PATH of a container or a unit may lack the sbin folders.
    private static readonly string[] SystemFolders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<string, string> Packages = new()
    {
        ["mkfs.ext4"] = "e2fsprogs",
        ["e2fsck"] = "e2fsprogs",
        ["resize2fs"] = "e2fsprogs",
        ["mkfs.xfs"] = "xfsprogs",
        ["xfs_repair"] = "xfsprogs",
        ["xfs_growfs"] = "xfsprogs",
        ["mkfs.btrfs"] = "btrfs-progs",
        ["btrfs"] = "btrfs-progs",
        ["mount"] = "mount",
        ["umount"] = "mount",
    };

    /// <summary>Programs of the system's folders.</summary>
    public HostPrograms(TimeProvider time)
        : this([.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Where(Path.IsPathRooted), .. SystemFolders], time)
    {
    }

    /// <summary>Every program the node may call, with the Debian package that has it.</summary>
    public static IReadOnlyDictionary<string, string> Known => Packages;

    /// <summary>True when the program is installed.</summary>
    public bool Has(string program) => Find(program) is not null;

    /// <summary>
    /// Runs a program that must succeed. <see cref="VolumeError.HostFailed"/> with its last words, <see cref="VolumeError.TimedOut"/>, or
    /// <see cref="VolumeError.HostUnfit"/> where it is not installed; <paramref name="what"/> says what it was wanted for.
    /// </summary>
    public async Task RunAsync(string what, ProgramCall call)
    {
        var result = await TryRunAsync(what, call).ConfigureAwait(false);
        if (result.ExitCode > call.LastGoodExitCode)
            throw Failed(what, call, result);
    }

    /// <summary>Runs a program and leaves the verdict to the caller; throws only when there is no exit code.</summary>
    public async Task<ProgramResult> TryRunAsync(string what, ProgramCall call)
    {
        var path = Find(call.Program) ?? throw Missing(what, call.Program);
        using var process = Start(what, path, call.Arguments);
        process.StandardInput.Close();
        var output = ReadTailAsync(process.StandardOutput);
        var errors = ReadTailAsync(process.StandardError);
        using (var limit = new CancellationTokenSource(call.Limit, time))
        {
            try
            {
                await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                throw await KillAsync(what, call, process).ConfigureAwait(false);
            }
        }
        // A daemon the program left behind may keep the pipes open for ever.
        var said = Task.WhenAll(errors, output);
        await Task.WhenAny(said, Task.Delay(DrainLimit, time)).ConfigureAwait(false);
        var words = said.IsCompletedSuccessfully ? said.Result : [];
        return new ProgramResult(process.ExitCode, words.FirstOrDefault(word => word.Length > 0) ?? "it said nothing");
    }

    /// <summary>The refusal for a program that ended badly.</summary>
    public static VolumeException Failed(string what, ProgramCall call, ProgramResult result) =>
        new(VolumeError.HostFailed, $"{what}: {call.Program} failed with exit code {result.ExitCode}: {result.LastWords}");

    private string? Find(string program) =>
        folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static Process Start(string what, string path, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        start.Environment["LC_ALL"] = "C";
        try
        {
            return Process.Start(start) ?? throw new VolumeException(VolumeError.HostFailed, $"{what}: {path} did not start");
        }
        catch (Win32Exception failure)
        {
            throw new VolumeException(VolumeError.HostUnfit, $"{what}: {path} cannot be started: {failure.Message}");
        }
    }

    private async Task<VolumeException> KillAsync(string what, ProgramCall call, Process process)
    {
        process.Kill(entireProcessTree: true);
        using var limit = new CancellationTokenSource(KillLimit, time);
        var end = "it was killed";
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            end = "it does not even end when killed: the kernel keeps it, most likely waiting for the device";
        }
        return new VolumeException(
            VolumeError.TimedOut, $"{what}: {call.Program} did not end within {call.Limit.TotalSeconds:0.#} s; {end}");
    }

    private static VolumeException Missing(string what, string program)
    {
        var remedy = Packages.TryGetValue(program, out var package) ? $"; install {package} on the node" : "";
        return new VolumeException(VolumeError.HostUnfit, $"{what}: {program} is not there{remedy}");
    }

    /// <summary>Reads all, keeps the end: what a program complains of comes last.</summary>
    private static async Task<string> ReadTailAsync(StreamReader reader)
    {
        var tail = new StringBuilder();
        var buffer = new char[4096];
        int count;
        while ((count = await reader.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            tail.Append(buffer, 0, count);
            if (tail.Length > LastWordsCharacters)
                tail.Remove(0, tail.Length - LastWordsCharacters);
        }
        var lines = tail.ToString().Split(['\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new string([.. string.Join(" | ", lines).Select(character => char.IsControl(character) ? '?' : character)]);
    }
}
