using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// What <c>--pool NAME=PATH[,size=10G][,block=64K]</c> says. A path may hold commas: only what reads like a known setting ends it.
/// </summary>
internal sealed record PoolOption(string Name, string Path, long? SizeBytes, long? BlockBytes)
{
    private const int NameLengthMax = 63;

    /// <summary>Reads the option; null and the reason in words when it makes no sense.</summary>
    public static PoolOption? Parse(string text, out string error)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || equals == text.Length - 1)
            return Fail($"{NameRules.Quote(text)} is not NAME=PATH[,size=10G][,block=64K]", out error);
        var name = text[..equals];
        if (name.Length > NameLengthMax || !name.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.'))
            return Fail(
                $"the pool name {NameRules.Quote(name)} must have 1 to {NameLengthMax} letters, digits, '-', '_' or '.'", out error);
        return ReadSettings(name, text[(equals + 1)..], out error);
    }

    private static PoolOption? ReadSettings(string name, string rest, out string error)
    {
        long? sizeBytes = null;
        long? blockBytes = null;
        error = "";
        for (var comma = rest.LastIndexOf(','); comma >= 0; comma = rest.LastIndexOf(','))
        {
            var setting = rest[(comma + 1)..];
            if (setting.StartsWith("size=", StringComparison.Ordinal))
                sizeBytes = SizeText.Parse(setting[5..], 4096, out error);
            else if (setting.StartsWith("block=", StringComparison.Ordinal))
                blockBytes = SizeText.Parse(setting[6..], 64 << 10, out error);
            else if (setting.Contains('=', StringComparison.Ordinal))
                error = $"unknown setting {NameRules.Quote(setting)}; size= and block= are known";
            else
                break; // a comma of the path
            if (error.Length > 0)
                return Fail($"pool {NameRules.Quote(name)}: {error}", out error);
            rest = rest[..comma];
        }

        if (blockBytes is { } block && PoolCommands.CheckBlock(block) is { } tooLarge)
            return Fail($"pool {NameRules.Quote(name)}: {tooLarge}", out error);
        return rest.Length > 0
            ? new PoolOption(name, rest, sizeBytes, blockBytes)
            : Fail($"pool {NameRules.Quote(name)} has no path", out error);
    }

    private static PoolOption? Fail(string reason, out string error)
    {
        error = reason;
        return null;
    }
}
