using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// A real Linux kernel as an ordinary process (User Mode Linux) on the machine's own root file system, with files as its disks, /dev/ubda,
/// /dev/ubdb and so on. What a script writes outside /run, /mnt, /dev and /var/lib stays on the machine: it must keep to its test's
/// directory. Unix sockets belong on /run, pools on a disk.
/// <para>
/// To add a test of something in the guest: a class with <c>IClassFixture</c> of a fixture that boots one guest (a boot takes seconds, so
/// the tests of a class share one), and one [Fact] for each named thing, which runs bash in it (<see cref="Run(string, int)"/>, with the
/// functions of guest-tools.sh) and looks at what comes back. Programs of ours: <see cref="GuestProgram"/>. CSI calls:
/// <see cref="GuestCsiClient"/>. A test that leaves its guest unusable (a power cut) boots one of its own.
/// </para>
/// <para>Concurrency: members may be called from any thread; scripts run beside each other.</para>
/// </summary>
internal sealed partial class GuestKernel : IDisposable
{
    private const int BootLimitSeconds = 180;
    private const int DefaultLimitSeconds = 300;

    private readonly TempDirectory _directory;
    private readonly GuestOptions _options;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<int>> _running = new();
    private readonly StringBuilder _console = new();
    private string _scripts = "";
    private Process? _process;
    private TaskCompletionSource _ready = new();
    private int _boots;
    private int _number;

    private GuestKernel(TempDirectory directory, GuestOptions options) => (_directory, _options) = (directory, options);

    /// <summary>Everything on the console so far, over all boots.</summary>
    public string Console
    {
        get
        {
            lock (_console)
                return _console.ToString();
        }
    }

    /// <summary>The kernel's version, without what a distribution adds.</summary>
    public Version Release => Version.Parse(Run("uname -r").Split('-', '+')[0]);

    /// <summary>Boots a guest that keeps its files in <paramref name="directory"/>; fails the test when it does not get ready.</summary>
    public static GuestKernel Boot(TempDirectory directory, GuestOptions options)
    {
        var guest = new GuestKernel(directory, options);
        guest.Boot();
        return guest;
    }

    /// <summary>
    /// Boots a guest with dm-thin, runs one script (bash, ending at the first failure), and halts; returns what it printed. Fails the test
    /// when the script does.
    /// </summary>
    public static string Run(TempDirectory directory, string script, params string[] disks)
    {
        using var guest = Boot(directory, new GuestOptions { Disks = disks, Modules = GuestModules.DmThin });
        var said = guest.Run(script);
        guest.Halt();
        return said;
    }

    /// <summary>
    /// Runs a script (bash, ending at the first failure) to its end and returns what it printed. Fails the test when the script fails or
    /// takes longer than <paramref name="limitSeconds"/>.
    /// </summary>
    public string Run(string script, int limitSeconds = DefaultLimitSeconds)
    {
        var (exitCode, output) = TryRun(script, limitSeconds);
        Assert.True(exitCode == 0, $"the script in the guest exited with {exitCode}:\n{script}\n--- it said:\n{output}");
        return output;
    }

    /// <summary>Runs a script to its end; returns its exit code and what it printed.</summary>
    public (int ExitCode, string Output) TryRun(string script, int limitSeconds = DefaultLimitSeconds) =>
        Start(script).Wait(limitSeconds);

    /// <summary>Starts a script; wait for its end with the result.</summary>
    public GuestScript Start(string script)
    {
        var number = Interlocked.Increment(ref _number);
        var exit = _running[number] = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var scripts = _scripts;
        File.WriteAllText(Path.Combine(scripts, $"{number}.sh"), script + "\n");
        Say(number.ToString(CultureInfo.InvariantCulture));
        return new GuestScript(this, script, Path.Combine(scripts, $"{number}.out"), exit.Task);
    }

    /// <summary>The power fails: what the guest has not written to its disks is gone. Boot it again with <see cref="Boot()"/>.</summary>
    public void CutPower()
    {
        if (_process is null)
            return;
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
        foreach (var (_, exit) in _running)
            exit.TrySetException(new InvalidOperationException("the guest's power was cut"));
        _running.Clear();
    }

    /// <summary>Ends it in order: disks synchronized by the kernel, nothing unmounted by us.</summary>
    public void Halt()
    {
        Say("halt");
        if (!_process!.WaitForExit(TimeSpan.FromSeconds(BootLimitSeconds)))
            Fail("the guest does not halt");
        CutPower();
    }

    /// <summary>Boots the guest (again), on the disks as they are.</summary>
    public void Boot()
    {
        _scripts = Directory.CreateDirectory(_directory.File($"guest-{++_boots}")).FullName;
        var init = Path.Combine(_scripts, "init");
        File.WriteAllText(init, $"""
            #!/bin/bash
            guest_directory={_scripts}
            guest_modules="{ModuleNames()}"
            guest_module_files={_options.Build.Modules}
            guest_tools={HelperFile("guest-tools.sh")}
            source {HelperFile("guest-init.sh")}

            """);
        Tool.Run("chmod", "755", init);
        string[] arguments =
        [
            .. _options.Build.Arguments,
            string.Create(CultureInfo.InvariantCulture, $"mem={_options.MemoryMiB}M"), "rootfstype=hostfs", "rootflags=/", "rw",
            .. _options.Disks.Select((disk, number) => $"ubd{number}={disk}"), $"init={init}", "quiet", "con=null", "con0=fd:0,fd:1",
        ];
        var start = new ProcessStartInfo(_options.Build.Program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        _ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = Process.Start(start) ?? throw new InvalidOperationException("linux.uml did not start");
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        if (!_ready.Task.Wait(TimeSpan.FromSeconds(BootLimitSeconds)))
            Fail("the guest does not get ready");
    }

    /// <inheritdoc/>
    public void Dispose() => CutPower();

    /// <summary>Fails the test with what the kernel and the scripts have said.</summary>
    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    internal void Fail(string reason)
    {
        Assert.Fail($"{reason}; its console:\n{Console}");
        throw new UnreachableException();
    }

    private static string HelperFile(string name) => Path.Combine(AppContext.BaseDirectory, "Kernel", name);

    private string ModuleNames()
    {
        string[] names =
        [
            _options.Modules.HasFlag(GuestModules.DmThin) ? "dm-thin" : "", _options.Modules.HasFlag(GuestModules.Nbd) ? "nbd" : "",
            _options.Modules.HasFlag(GuestModules.Md) ? "md" : "",
        ];
        return string.Join(' ', names);
    }

    private void Say(string line)
    {
        lock (_running)
        {
            var process = _process ?? throw new InvalidOperationException("the guest is not running");
            process.StandardInput.WriteLine(line);
            process.StandardInput.Flush();
        }
    }

    private void Hear(string? line)
    {
        if (line is null)
            return;
        lock (_console)
            _console.AppendLine(line);
        if (line.Contains("GUEST-READY", StringComparison.Ordinal))
            _ready.TrySetResult();
        // Not only at the line's start: the kernel may have been in the middle of a message.
        if (ExitLine().Match(line) is { Success: true } exit
            && _running.TryRemove(int.Parse(exit.Groups[1].Value, CultureInfo.InvariantCulture), out var running))
            running.TrySetResult(int.Parse(exit.Groups[2].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"GUEST-EXIT (\d+) (\d+)")]
    private static partial Regex ExitLine();
}
