using System.CommandLine;
using System.CommandLine.Parsing;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary>
/// Makers of the arguments and options that several commands have. Whatever can be judged from the command line alone is judged while it is
/// parsed, so that wrong usage (exit code 2) never touches a disk.
/// </summary>
internal static class Arguments
{
    /// <summary>-o text|json.</summary>
    public static Option<OutputFormat> Format() => new("--output", "-o")
    {
        Description = "How results are printed: text or json",
        HelpName = "text|json",
        CustomParser = result =>
            Enum.TryParse<OutputFormat>(result.Tokens[0].Value, ignoreCase: true, out var format) && Enum.IsDefined(format)
            ? format
            : Fail<OutputFormat>(result, $"the output {NameRules.Quote(result.Tokens[0].Value)} is neither text nor json"),
    };

    /// <summary>PATH of a pool.</summary>
    public static Argument<string> PoolPath() => Text("PATH", "File or block device of the pool");

    /// <summary>A text that is not empty.</summary>
    public static Argument<string> Text(string name, string description)
    {
        var argument = new Argument<string>(name) { Description = description };
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }])
                result.AddError($"{name} is empty");
        });
        return argument;
    }

    /// <summary>The NAME of something new.</summary>
    public static Argument<string> NewName(string noun)
    {
        var argument = new Argument<string>("NAME")
        {
            Description = $"Name of the new {noun}: 1 to {NameRules.MaximumBytes} bytes, no control characters",
        };
        argument.Validators.Add(result =>
        {
            try
            {
                if (result.Tokens is [var token])
                    NameRules.Check(noun, token.Value);
            }
            catch (VolumeException refusal)
            {
                result.AddError(refusal.Message);
            }
        });
        return argument;
    }

    /// <summary>
    /// A size above 0 and a multiple of <paramref name="multipleBytes"/>; <paramref name="check"/> may say why it will not do.
    /// </summary>
    public static Option<long?> Size(string name, string description, long multipleBytes, Func<long, string?>? check = null) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result =>
        {
            if (SizeText.Parse(result.Tokens[0].Value, multipleBytes, out var error) is not { } bytes)
                return Fail<long?>(result, $"{name}: {error}");
            return check?.Invoke(bytes) is { } reason ? Fail<long?>(result, $"{name}: {reason}") : bytes;
        },
    };

    /// <summary>What <paramref name="parse"/> makes of the text, or its reason why not.</summary>
    public static Option<T?> Parsed<T>(string name, string helpName, string description, TextParser<T> parse)
        where T : class => new(name)
        {
            Description = description,
            HelpName = helpName,
            CustomParser = result => parse(result.Tokens[0].Value, out var error) ?? Fail<T>(result, $"{name}: {error}"),
        };

    /// <summary>
    /// Adds a rule on several arguments of <paramref name="command"/>. The parser asks it before it has judged them one by one, and throws
    /// at whoever reads a value that is missing or makes no sense. Then there is nothing to rule on: the parser's own reason follows.
    /// </summary>
    public static void AddRule(Command command, Action<CommandResult> rule) => command.Validators.Add(result =>
    {
        try
        {
            rule(result);
        }
        catch (InvalidOperationException)
        {
        }
    });

    /// <summary>Refuses an argument and goes on parsing.</summary>
    public static T? Fail<T>(ArgumentResult result, string error)
    {
        result.AddError(error);
        return default;
    }
}

/// <summary>Reads a text; null and the reason in words when it makes no sense.</summary>
internal delegate T? TextParser<T>(string text, out string error);
