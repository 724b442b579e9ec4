using System.Text.Json;
using CsiThin.Driver.Cli;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

/// <summary>Runs command lines in this process, in a directory of its own.</summary>
internal sealed class CommandLineFixture : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("csithin-cli-");

    public string Pool => At("pool.img");

    public string Out { get; private set; } = "";

    public string Error { get; private set; } = "";

    public string At(string name) => Path.Combine(_directory.FullName, name);

    public async Task<int> Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await new CommandLine(output, error).RunAsync(arguments);
        Out = output.ToString();
        Error = error.ToString();
        return code;
    }

    /// <summary>Runs what must succeed; returns what it prints as JSON.</summary>
    public async Task<JsonElement> Json(params string[] arguments)
    {
        Assert.True(await Run([.. arguments, "-o", "json"]) == 0, Error);
        Assert.Equal("", Error);
        return JsonDocument.Parse(Out).RootElement;
    }

    /// <summary>Runs what must fail with the code; returns the one line it says.</summary>
    public async Task<string> Fails(int code, params string[] arguments)
    {
        var was = await Run(arguments);
        Assert.True(was == code, $"ended with {was}: {Error}");
        Assert.Equal("", Out);
        Assert.StartsWith("csi-thin: ", Error, StringComparison.Ordinal);
        Assert.Equal(1, Error.Count(character => character == '\n'));
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        return Error.Trim();
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
