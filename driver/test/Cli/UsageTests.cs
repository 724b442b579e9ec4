using CsiThin.Driver.Cli;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

public sealed class UsageTests : IDisposable
{
    private readonly CommandLineFixture _f = new();

    [Theory]
    [InlineData("csi-thin: Required command was not provided.")]
    [InlineData("unknown command or argument 'frob'", "frob")]
    [InlineData("unknown command or argument 'more'", "pool", "status", "p", "more")]
    [InlineData("(see csi-thin volume create --help)", "volume", "create")]
    [InlineData("Option '--size' is required", "volume", "create", "p", "n")]
    [InlineData("PATH is empty", "pool", "status", "")]
    [InlineData("neither text nor json", "pool", "status", "p", "-o", "xml")]
    [InlineData("the size is 0", "volume", "create", "p", "n", "--size", "0")]
    [InlineData("the size -1 is negative", "volume", "create", "p", "n", "--size", "-1")]
    [InlineData("the size 4097 is no multiple of 4096", "volume", "create", "p", "n", "--size", "4097")]
    [InlineData("beyond 2^63", "volume", "create", "p", "n", "--size", "9223372036854775808")]
    [InlineData("beyond 2^63", "volume", "resize", "p", "n", "--size", "8E")]
    [InlineData("'ten' is no size", "volume", "clone", "p", "s", "n", "--size", "ten")]
    [InlineData("the name of a volume is empty", "volume", "create", "p", "", "--size", "1G")]
    [InlineData("U+000A", "volume", "snapshot", "p", "v", "a\nb")]
    [InlineData("no multiple of 65536", "pool", "format", "p", "--block", "4K")]
    [InlineData("too large", "pool", "format", "p", "--block", "2G")]
    [InlineData("no multiple of 4096", "pool", "format", "p", "--size", "1000000")]
    [InlineData("Option '--socket' is required", "volume", "export", "p", "v")]
    [InlineData("Option '--pool' is required", "serve", "--endpoint", "unix:///s", "--node-id", "n")]
    [InlineData("is not unix:///PATH", "serve", "--endpoint", "tcp://x", "--node-id", "n", "--pool", "a=b")]
    [InlineData("--node-id: the node id '-n'", "serve", "--endpoint", "unix:///s", "--node-id=-n", "--pool", "a=b")]
    [InlineData("'ab' is not NAME=PATH", "serve", "--endpoint", "unix:///s", "--node-id", "n", "--pool", "ab")]
    [InlineData("unknown setting 'sise=1G'", "serve", "--endpoint", "unix:///s", "--node-id", "n", "--pool", "a=b,sise=1G")]
    [InlineData("two pools are named 'a'", "serve", "--endpoint", "unix:///s", "--node-id", "n", "--pool", "a=b", "--pool", "a=c")]
    [InlineData("is not ADDRESS:PORT", "serve", "--endpoint", "unix:///s", "--node-id", "n", "--pool", "a=b", "--metrics", "9808")]
    [InlineData("it has no JSON form", "pool", "dump", "p", "-o", "json")]
    [InlineData("it has no JSON form", "pool", "delta", "p", "--thin1", "1", "--thin2", "2", "-o", "json")]
    [InlineData("Option '--thin2' is required", "pool", "delta", "p", "--thin1", "1")]
    [InlineData("Option '--region' is required", "pool", "rmap", "p")]
    [InlineData("'5..5' is not BEGIN..END", "pool", "rmap", "p", "--region", "5..5")]
    [InlineData("'-1..5' is not BEGIN..END", "pool", "rmap", "p", "--region=-1..5")]
    [InlineData("does not go with --skip-mappings", "pool", "check", "p", "--auto-repair", "--skip-mappings")]
    [InlineData("does not go with --metadata-snap", "pool", "check", "--metadata", "m", "--clear-needs-check", "--metadata-snap")]
    [InlineData("give either --output-metadata", "pool", "repair", "p")]
    [InlineData("give either --output-metadata", "pool", "repair", "p", "--in-place", "--output-metadata", "o")]
    [InlineData("--in-place is for a pool", "pool", "repair", "--metadata", "m", "--in-place")]
    [InlineData("a pool's label and catalog know them", "pool", "repair", "p", "--in-place", "--block", "64K")]
    [InlineData("--size is for a new file", "pool", "repair", "p", "--in-place", "--size", "4M")]
    [InlineData("--force says that it shall", "pool", "restore", "x.xml", "p")]
    [InlineData("--size is for a new file", "pool", "restore", "x.xml", "p", "--force", "--size", "4M")]
    [InlineData("neither xml nor human", "pool", "dump", "p", "--format", "yaml")]
    [InlineData("give PATH of a pool, or --metadata", "pool", "check")]
    [InlineData("not both", "pool", "check", "p", "--metadata", "m")]
    [InlineData("--metadata is empty", "pool", "dump", "--metadata", "")]
    [InlineData("Required argument missing for option: '--metadata'", "pool", "dump", "--node-id", "--metadata", "--")]
    [InlineData("Required argument missing for option: '--size'", "pool", "restore", "x.xml", "p", "--force", "--size")]
    [InlineData("Required argument missing for option: '--data'", "pool", "trim", "p", "--data")]
    [InlineData("'x' is no size", "pool", "restore", "x.xml", "p", "--force", "--size", "x")]
    [InlineData("--metadata-snap goes with --metadata", "pool", "delta", "p", "--thin1", "1", "--thin2", "2", "--metadata-snap")]
    [InlineData("--data and --metadata go together", "pool", "trim", "p", "--data", "d")]
    [InlineData("--data and --metadata go together", "pool", "trim", "--metadata", "m")]
    [InlineData("is not unix:///PATH", "pool", "trim", "p", "--control", "tcp://x")]
    [InlineData("'infromation' is no level; the nearest is 'information'", "node", "--log-level", "infromation")]
    [InlineData("'Warn' is no level; the nearest is 'warning'", "engine", "--pool", "a=b", "--log-level", "Warn")]
    [InlineData("'err' is no level; the nearest is 'error'", "serve", "--pool", "a=b", "--log-level", "err")]
    [InlineData("'0' is no level", "controller", "--tls-dir", "d", "--log-level", "0")]
    [InlineData("--node-deployment is without any controller", "node", "--node-deployment", "--listen", ":1", "--tls-dir", "d")]
    [InlineData("a thin id is at most 16777215", "volume", "adopt", "p", "16777216", "n")]
    [InlineData("1 to 16777216 are possible", "pool", "metadata-size", "--pool-size", "1T", "--block", "64K", "--max-thins", "0")]
    public async Task Wrong_usage_is_one_line_and_exit_code_2(string message, params string[] arguments) =>
        Assert.Contains(message, await _f.Fails(ExitCodes.Usage, arguments), StringComparison.Ordinal);

    [Fact]
    public void No_command_line_breaks_the_parser()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("CSITHIN_SEED"), out var given) ? given : Random.Shared.Next();
        var random = new Random(seed);
        string[] words =
        [
            "pool", "volume", "serve", "demo", "format", "status", "create", "clone", "export", "table", "p", "", "--", "-", "--size",
            "--size=", "--size=1G", "0", "-1", "--block", "--block=3K", "--pool", "--pool=", "a=b", "--metrics", ":1", "--endpoint",
            "unix:", "--node-id",
            "check", "dump", "trim", "adopt", "--metadata", "--data", "--control", "-f", "--socket", "--force", "--force=maybe",
            "-o", "json", "-ojson", "@file", "[suggest]", "[diagram]",
            "restore", "repair", "ls", "--in-place", "--output-metadata", "--data-blocks", "--auto-repair", "--clear-needs-check",
            "delta", "rmap", "metadata-size", "--metadata-snap", "--size=x", "--thin1", "--thin2=1", "--region", "--region=1..0",
            "--dir", "--help", "--version", "a\0b", "\ud83d",
        ];
        for (var i = 0; i < 2000; i++)
        {
            var arguments = random.GetItems(words, random.Next(8));
            var thrown = Record.Exception(() => new CommandLine(TextWriter.Null, TextWriter.Null).Parse(arguments).Errors.Count);
            Assert.True(thrown is null, $"seed {seed}, [{string.Join("] [", arguments)}]: {thrown}");
        }
    }

    [Theory]
    [InlineData(129)]
    [InlineData(100_000)]
    public async Task A_name_that_is_too_long_is_wrong_usage_and_not_repeated(int length)
    {
        var line = await _f.Fails(ExitCodes.Usage, "volume", "create", "p", new string('n', length), "--size", "1G");
        Assert.Contains($"has {length} bytes, above the limit of 128", line, StringComparison.Ordinal);
        Assert.True(line.Length < 300);
    }

    [Theory]
    [InlineData]
    [InlineData("pool")]
    [InlineData("volume", "export")]
    [InlineData("serve")]
    [InlineData("demo")]
    public async Task Help_is_no_error(params string[] command)
    {
        Assert.Equal(ExitCodes.Success, await _f.Run([.. command, "--help"]));
        Assert.Contains("Usage:", _f.Out, StringComparison.Ordinal);
        Assert.Equal("", _f.Error);
    }

    public void Dispose() => _f.Dispose();
}
