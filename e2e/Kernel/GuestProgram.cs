using System.Globalization;
using System.Text.Json;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>Our executable, started in a guest as a user starts it, in the background.</summary>
internal sealed class GuestProgram
{
    // A loaded machine takes its time; nothing here waits for the end of it.
    private const int ReadyLimitSeconds = 180;

    private readonly GuestKernel _guest;
    private readonly string _name;

    private GuestProgram(GuestKernel guest, string name, JsonElement ready) => (_guest, _name, Ready) = (guest, name, ready);

    /// <summary>The published executable that CSITHIN_PROGRAM names; null where the one built with the tests is to run.</summary>
    public static string? Published { get; } = Environment.GetEnvironmentVariable("CSITHIN_PROGRAM");

    /// <summary>The line it printed when it was ready, as JSON.</summary>
    public JsonElement Ready { get; }

    /// <summary>The process id in the guest.</summary>
    public int ProcessId => int.Parse(_guest.Run($"cat /run/{_name}.pid"), CultureInfo.InvariantCulture);

    /// <summary>What it said on its error stream so far.</summary>
    public string Errors => _guest.Run($"cat /run/{_name}.err");

    /// <summary>
    /// The words that run our executable in the guest: what was built with the tests, or what CSITHIN_PROGRAM names, such as the executable
    /// of <c>dotnet publish driver/src -r linux-x64</c>, which starts faster because it is compiled already.
    /// </summary>
    public static string Command(params string[] arguments) =>
        string.Join(' ', [Published ?? $"dotnet {Support.Program.Assembly}", .. arguments.Select(Quote)]);

    /// <summary>
    /// Starts a command that serves and waits until it says that it is ready. <paramref name="name"/> is that of its files under /run.
    /// </summary>
    public static GuestProgram Serve(GuestKernel guest, string name, params string[] arguments) =>
        ServeUnder("", guest, name, arguments);

    /// <summary>The same under a program that changes what it may do, such as <c>unshare -n</c>, and becomes it.</summary>
    public static GuestProgram ServeUnder(string changer, GuestKernel guest, string name, params string[] arguments)
    {
        // The ready report is JSON over several lines, the last of which is a brace alone.
        var (exitCode, said) = guest.TryRun($$"""
            start {{name}} {{changer}} {{Command([.. arguments, "-o", "json"])}}
            ready() { holds /run/{{name}}.out '^}$' || gone "$(cat /run/{{name}}.pid)"; }
            await {{ReadyLimitSeconds}} ready
            holds /run/{{name}}.out '^}$' || { cat /run/{{name}}.err; exit 1; }
            cat /run/{{name}}.out
            """, 2 * ReadyLimitSeconds);
        Assert.True(exitCode == 0, $"csi-thin {string.Join(' ', arguments)} did not get ready in the guest:\n{said}");
        return new GuestProgram(guest, name, JsonDocument.Parse(said).RootElement);
    }

    /// <summary>Ends it without warning (SIGKILL) and waits until it is gone.</summary>
    public void Kill() => _guest.Run($"end {_name} KILL");

    /// <summary>Asks it to end as an init system does, and waits until it has.</summary>
    public void Terminate() => _guest.Run($"end {_name} TERM");

    /// <summary>A word that bash takes as it is.</summary>
    public static string Quote(string word) => $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
