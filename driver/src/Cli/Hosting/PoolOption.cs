using System.Globalization;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;
using CsiThin.Driver.Kube.Declared;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>
/// What <c>--pool NAME=PATH[,SETTING=VALUE]...</c> says. A path may hold commas: only what reads like a known setting ends it. Settings:
/// <list type="bullet">
/// <item><c>size</c>, <c>block</c>: how a file that is not there is made and formatted;</item>
/// <item><c>warn</c>, <c>snapshots</c>, <c>volumes</c>: the <see cref="SpaceThresholds"/> in percent, DATA or DATA/METADATA;</item>
/// <item><c>queue</c>: how long writes wait for space, such as 60s or 2m; 0s is not at all.</item>
/// </list>
/// </summary>
internal sealed record PoolOption(string Name, string Path, long? SizeBytes, long? BlockBytes)
{
    /// <summary>The form, for help.</summary>
    public const string Form = "NAME=PATH[,size=10G][,block=64K][,warn=80][,snapshots=90][,volumes=95][,queue=60s]";

    private const int NameLengthMax = 63;
    private static readonly TimeSpan GrowthCheckPeriod = TimeSpan.FromSeconds(5);

    /// <summary>What is done about data space that runs out.</summary>
    public SpaceThresholds Data { get; init; } = new();

    /// <summary>What is done about metadata that runs out.</summary>
    public SpaceThresholds Metadata { get; init; } = new();

    /// <summary>
    /// True for one of the pools that were declared for the nodes of a cluster: the others are served even when this one cannot be opened.
    /// Whoever names a pool on the command line wants to hear of it at once.
    /// </summary>
    public bool IsDeclared { get; init; }

    /// <summary>How long writes wait for space.</summary>
    public TimeSpan Queue { get; init; } = new PoolOpenOptions().NoSpaceTimeout;

    /// <summary>Reads the option; null and the reason in words when it makes no sense.</summary>
    public static PoolOption? Parse(string text, out string error)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || equals == text.Length - 1)
            return Fail($"{NameRules.Quote(text)} is not {Form}", out error);
        var name = text[..equals];
        if (name.Length > NameLengthMax || !name.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.'))
            return Fail(
                $"the pool name {NameRules.Quote(name)} must have 1 to {NameLengthMax} letters, digits, '-', '_' or '.'", out error);
        return ReadSettings(new PoolOption(name, text[(equals + 1)..], null, null), out error);
    }

    /// <summary>A declared pool: what its thresholds say is what the settings of <c>--pool</c> would.</summary>
    public static PoolOption Of(PoolDeclaration declaration, string path)
    {
        var option = new PoolOption(declaration.Name, path, null, null) { IsDeclared = true };
        return declaration.Spec.Thresholds is not { } thresholds ? option : option with
        {
            Data = thresholds.OfData(),
            Metadata = thresholds.OfMetadata(),
            Queue = thresholds.QueueSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : option.Queue,
        };
    }

    /// <summary>How the pool is opened to be served.</summary>
    public PoolOpenOptions ToOpenOptions(Action<string> log) => new()
    {
        DataThresholds = Data,
        MetadataThresholds = Metadata,
        NoSpaceTimeout = Queue,
        GrowthCheckPeriod = GrowthCheckPeriod,
        Log = log,
    };

    private static PoolOption? ReadSettings(PoolOption option, out string error)
    {
        error = "";
        for (var comma = option.Path.LastIndexOf(','); comma >= 0; comma = option.Path.LastIndexOf(','))
        {
            var setting = option.Path[(comma + 1)..];
            var equals = setting.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                break; // a comma of the path
            option = (option with { Path = option.Path[..comma] }).With(setting[..equals], setting[(equals + 1)..], out error);
            if (error.Length > 0)
                return Fail($"pool {NameRules.Quote(option.Name)}: {error}", out error);
        }

        if (option.Problem() is { } problem)
            return Fail($"pool {NameRules.Quote(option.Name)}{problem}", out error);
        return option;
    }

    private PoolOption With(string key, string value, out string error)
    {
        error = "";
        switch (key)
        {
            case "size":
                return this with { SizeBytes = SizeText.Parse(value, 4096, out error) };
            case "block":
                return this with { BlockBytes = SizeText.Parse(value, 64 << 10, out error) };
            case "queue":
                return this with { Queue = ReadTime(value, out error) };
            case "warn" or "snapshots" or "volumes":
                var (data, metadata) = ReadPercents(key, value, out error);
                return this with { Data = With(Data, key, data), Metadata = With(Metadata, key, metadata) };
            default:
                error = $"unknown setting {NameRules.Quote($"{key}={value}")}; " +
                    "size=, block=, warn=, snapshots=, volumes= and queue= are known";
                return this;
        }
    }

    private string? Problem()
    {
        if (Path.Length == 0)
            return " has no path";
        if (BlockBytes is { } block && PoolCommands.CheckBlock(block) is { } tooLarge)
            return $": {tooLarge}";
        try
        {
            Data.Check();
            Metadata.Check();
            return null;
        }
        catch (PoolException senseless)
        {
            return $": {senseless.Message}";
        }
    }

    private static SpaceThresholds With(SpaceThresholds thresholds, string key, int percent) => key switch
    {
        "warn" => thresholds with { WarnPercent = percent },
        "snapshots" => thresholds with { SnapshotsPercent = percent },
        _ => thresholds with { VolumesPercent = percent },
    };

    private static (int Data, int Metadata) ReadPercents(string key, string value, out string error)
    {
        var parts = value.Split('/');
        var percents = new List<int>();
        foreach (var part in parts)
        {
            if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var percent))
                percents.Add(percent);
        }

        error = percents.Count == parts.Length && parts.Length <= 2
            ? ""
            : $"{NameRules.Quote($"{key}={value}")} is not a percentage, or two as DATA/METADATA, such as {key}=80/75";
        return error.Length == 0 ? (percents[0], percents[^1]) : (0, 0);
    }

    private static TimeSpan ReadTime(string value, out string error)
    {
        var unit = value.Length > 0 ? value[^1] : ' ';
        var secondsPerUnit = unit switch { 's' => 1, 'm' => 60, _ => 0 };
        var digits = value.AsSpan(0, Math.Max(0, value.Length - 1));
        var isNumber = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count);
        error = secondsPerUnit > 0 && isNumber && count <= 86400 / secondsPerUnit
            ? ""
            : $"{NameRules.Quote($"queue={value}")} is not a time of at most a day in seconds or minutes, such as queue=60s";
        return error.Length == 0 ? TimeSpan.FromSeconds(count * secondsPerUnit) : TimeSpan.Zero;
    }

    private static PoolOption? Fail(string reason, out string error)
    {
        error = reason;
        return null;
    }
}
