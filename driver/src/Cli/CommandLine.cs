using System.CommandLine;
using System.CommandLine.Parsing;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool;
using CsiThin.Driver.Cli.Hosting;
using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Volumes;
using Grpc.Core;

namespace CsiThin.Driver.Cli;

/// <summary>
/// The whole command line. Every failure ends here as one line on the error stream and an exit code; no stack trace passes.
/// </summary>
internal sealed class CommandLine
{
    private readonly TextWriter _out;
    private readonly TextWriter _error;
    private readonly Terminal _terminal;
    private readonly Option<OutputFormat> _format = Arguments.Format();

    /// <summary>Prints results to <paramref name="output"/>, everything else to <paramref name="error"/>.</summary>
    public CommandLine(TextWriter output, TextWriter error, Terminal? terminal = null)
    {
        _out = output;
        _error = error;
        _terminal = terminal ?? Terminal.None;
    }

    /// <summary>Runs one command line to its exit code.</summary>
    public Task<int> RunAsync(IReadOnlyList<string> arguments) => GuardAsync(() =>
    {
        var parsed = Parse(arguments);
        if (parsed.Errors.Count > 0 && parsed.Action is not System.CommandLine.Help.HelpAction)
            return Task.FromResult(Refuse(parsed));
        return parsed.InvokeAsync(new InvocationConfiguration
        {
            Output = _out,
            Error = _error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });
    });

    /// <summary>Reads a command line and does nothing yet.</summary>
    public ParseResult Parse(IReadOnlyList<string> arguments) =>
        Build().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });

    /// <summary>Makes the action of a command: its result is the exit code, its failures become one line.</summary>
    public void SetAction(Command command, Func<ParseResult, Output, CancellationToken, Task<int>> action)
    {
        command.Options.Add(_format);
        command.SetAction((parsed, cancellation) =>
            action(parsed, new Output(_out, _error, parsed.GetValue(_format)) { Terminal = _terminal }, cancellation));
    }

    /// <summary>The same for an action that does not wait.</summary>
    public void SetAction(Command command, Func<ParseResult, Output, int> action) =>
        SetAction(command, (parsed, output, _) => Task.FromResult(action(parsed, output)));

    private RootCommand Build() => new("Thin volumes for Kubernetes, on pools that the kernel's dm-thin reads as well")
    {
        Demo.DemoCommand.Build(this),
        ServeCommand.Build(this),
        EngineCommand.Build(this),
        NodeCommand.Build(this),
        ControllerCommand.Build(this),
        PoolCommands.Build(this),
        VolumeCommands.Build(this),
        CallCommand.Build(this),
    };

    private async Task<int> GuardAsync(Func<Task<int>> action)
    {
        try
        {
            return await action().ConfigureAwait(false);
        }
        catch (CliException failure)
        {
            return Report(failure.Message, failure.ExitCode);
        }
        catch (Exception failure) when (
            failure is PoolException or VolumeException or MetadataException or KubeException or IOException or UnauthorizedAccessException)
        {
            return Report(failure.Message, ExitCodes.Failed);
        }
        catch (RpcException failure)
        {
            return Report($"{failure.StatusCode}: {failure.Status.Detail}", ExitCodes.Failed);
        }
        catch (Exception defect)
        {
            return Report($"internal error, please report it: {defect.GetType().Name}: {defect.Message}", ExitCodes.Failed);
        }
    }

    private int Refuse(ParseResult parsed)
    {
        var command = parsed.CommandResult;
        var path = new Stack<string>();
        for (SymbolResult? at = command; at is CommandResult one; at = at.Parent)
            path.Push(one.Command is RootCommand ? "csi-thin" : one.Command.Name);
        // What is unknown says more than what is missing because of it.
        var reason = parsed.UnmatchedTokens is [var unknown, ..]
            ? $"unknown command or argument {NameRules.Quote(unknown)}"
            : parsed.Errors[0].Message;
        return Report($"{reason} (see {string.Join(' ', path)} --help)", ExitCodes.Usage);
    }

    private int Report(string message, int exitCode)
    {
        _error.WriteLine($"csi-thin: {message.ReplaceLineEndings(" ").Trim()}");
        _error.Flush();
        return exitCode;
    }
}
