using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace CsiThin.EndToEnd.Support;

/// <summary>The built executable, started as a user starts it.</summary>
internal sealed class Program : IDisposable
{
    /// <summary>The program, for the dotnet host.</summary>
    public static readonly string Assembly = System.IO.Path.Combine(AppContext.BaseDirectory, "csi-thin.dll");
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly Task<string> _errors;

    private Program(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>The line it printed when it was ready, as JSON.</summary>
    public JsonElement Ready { get; private set; }

    /// <summary>Runs a command to its end; returns its exit code, what it printed and what it said on the error stream.</summary>
    public static (int ExitCode, string Output, string Errors) Run(params string[] arguments)
    {
        using var program = Start(arguments);
        var output = program._process.StandardOutput.ReadToEndAsync();
        Assert.True(program._process.WaitForExit(Limit), $"csi-thin {string.Join(' ', arguments)} does not end");
        return (program._process.ExitCode, output.GetAwaiter().GetResult(), program._errors.GetAwaiter().GetResult());
    }

    /// <summary>Runs a command that must succeed; returns what it prints as JSON.</summary>
    public static JsonElement Json(params string[] arguments)
    {
        var (exitCode, output, errors) = Run([.. arguments, "-o", "json"]);
        Assert.True(exitCode == 0, $"csi-thin {string.Join(' ', arguments)} exited with {exitCode}: {errors}");
        return JsonDocument.Parse(output).RootElement;
    }

    /// <summary>Starts a command that serves, and waits until it says that it is ready.</summary>
    public static Program Serve(params string[] arguments) => ServeWith(Assembly, arguments);

    /// <summary>The same of another build of the program.</summary>
    public static Program ServeWith(string assembly, params string[] arguments)
    {
        var program = Start(assembly, [.. arguments, "-o", "json"]);
        var ready = Task.Run(program.ReadReady);
        if (!ready.Wait(Limit) || ready.Result is not { } said)
        {
            program.Dispose();
            throw new InvalidOperationException(
                $"csi-thin {string.Join(' ', arguments)} did not get ready: {program._errors.GetAwaiter().GetResult()}");
        }

        program.Ready = said;
        return program;
    }

    /// <summary>Asks it to end as an init system does; returns its exit code and what it said on the error stream.</summary>
    public (int ExitCode, string Errors) Terminate()
    {
        _ = Tool.Run("kill", "-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.True(_process.WaitForExit(Limit), "it does not end on SIGTERM");
        return (_process.ExitCode, _errors.GetAwaiter().GetResult());
    }

    /// <summary>Ends it without warning, as a power cut of the process.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }

    /// <summary>Starts a command and waits for nothing.</summary>
    public static Program Start(string[] arguments) => Start(Assembly, arguments);

    private static Program Start(string assembly, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new Program(Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start"));
    }

    private JsonElement? ReadReady()
    {
        var text = "";
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            text += line;
            if (line == "}")
                return JsonDocument.Parse(text).RootElement;
        }

        return null;
    }
}
