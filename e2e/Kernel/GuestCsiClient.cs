using System.Text.Json;
using CsiThin.EndToEnd.Csi;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>Debian's python3-grpcio as a client inside a guest, of CSI or of the engine's API. One call at a time.</summary>
internal sealed class GuestCsiClient : CsiClient
{
    private const int LimitSeconds = 300;
    private static int _numbers;

    private readonly GuestKernel _guest;
    private readonly string _pipe;

    /// <summary>Starts a CSI client in the guest; it connects to <paramref name="socketPath"/> when first called.</summary>
    public GuestCsiClient(GuestKernel guest, TempDirectory directory, string socketPath)
        : this(guest, directory, socketPath, CsiPackage)
    {
    }

    private GuestCsiClient(GuestKernel guest, TempDirectory directory, string socketPath, string package)
        : base(package)
    {
        _guest = guest;
        _pipe = $"/run/csi-client-{Interlocked.Increment(ref _numbers)}";
        // Opened for reading and writing, a pipe has no end between two calls.
        guest.Run($"""
            mkfifo {_pipe}.questions {_pipe}.answers
            start {Path.GetFileName(_pipe)} bash -c \
                '{Interpreter} {Script} {WriteDescriptors(directory)} {socketPath} <>{_pipe}.questions 1<>{_pipe}.answers'
            """);
    }

    /// <summary>A client of the engine's own API.</summary>
    public static GuestCsiClient OfEngine(GuestKernel guest, TempDirectory directory, string socketPath) =>
        new(guest, directory, socketPath, EnginePackage);

    /// <summary>Many calls of one method that must all succeed, in one go: what takes time is to get into the guest.</summary>
    public IReadOnlyList<JsonElement> OkAll(string method, IEnumerable<object> requests)
    {
        var said = Exchange([.. requests.Select(request => Question(method, request))]);
        var answers = said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Read).ToList();
        Assert.All(answers, answer => Assert.True(answer.Code == "OK", $"{method}: {answer.Code} {answer.Message}"));
        return [.. answers.Select(answer => answer.Response)];
    }

    /// <summary>
    /// Asks for one thing after the other, runs a script meanwhile, and returns the codes of the answers that came before half a second
    /// without one: fewer than calls where somebody died. The client is of no further use then.
    /// </summary>
    public IReadOnlyList<string> Codes(IEnumerable<(string Method, object Request)> calls, string meanwhile)
    {
        var questions = calls.Select(call => GuestProgram.Quote(Question(call.Method, call.Request)));
        var said = _guest.Run($"""
            exec 3<>{_pipe}.answers
            printf '%s\n' {string.Join(' ', questions)} >{_pipe}.questions
            {meanwhile}
            while read -t 0.5 -r answer <&3; do printf '%s\n' "$answer"; done
            """, LimitSeconds);
        return [.. said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(answer => Read(answer).Code)];
    }

    /// <inheritdoc/>
    protected override string Exchange(string question) => Exchange([question]);

    private string Exchange(string[] questions) => _guest.Run($"""
        exec 3<>{_pipe}.answers
        for question in {string.Join(' ', questions.Select(GuestProgram.Quote))}; do
            printf '%s\n' "$question" >{_pipe}.questions
            read -r answer <&3
            printf '%s\n' "$answer"
        done
        """, LimitSeconds);
}
