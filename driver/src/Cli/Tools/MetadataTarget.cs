using System.CommandLine;
using System.CommandLine.Parsing;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>
/// Which metadata a verb means: that of a pool of ours at <see cref="PoolPath"/>, which may be served by an engine at
/// <see cref="ControlPath"/>; or any dm-thin metadata at <see cref="MetadataPath"/>. One of the two is null. Without a
/// control path a pool in use is refused.
/// </summary>
internal sealed record MetadataTarget(string? PoolPath, string? MetadataPath, bool UsesSnapshot, string? ControlPath)
{
    /// <summary>The path that was given.</summary>
    public string Path => PoolPath ?? MetadataPath!;
}

/// <summary>The arguments that say which metadata is meant, the same for every verb.</summary>
internal sealed class MetadataArguments
{
    private readonly Argument<string?> _path = new("PATH")
    {
        Description = "File or block device of the pool",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _metadata = new("--metadata")
    {
        Description = "Instead of PATH: a file or block device with dm-thin metadata and nothing else",
        HelpName = "FILE|DEVICE",
    };

    private readonly Option<bool>? _snapshot;
    private readonly Option<string?>? _control;

    /// <summary>Gives <paramref name="command"/> the arguments; those for a pool in use only if the verb can deal with it.</summary>
    public MetadataArguments(Command command, bool takesLive, bool takesSnapshot)
    {
        command.Arguments.Add(_path);
        command.Options.Add(_metadata);
        if (takesSnapshot)
            command.Options.Add(_snapshot = new Option<bool>("--metadata-snap")
            {
                Description = "With --metadata: read the metadata snapshot that whoever uses it has reserved, instead of the last commit",
            });
        if (takesLive)
            command.Options.Add(_control = ControlSocket.Connect());
        Arguments.AddRule(command, result =>
        {
            var (path, metadata) = (result.GetValue(_path), result.GetValue(_metadata));
            if (path is null == metadata is null)
                result.AddError(path is null
                    ? "give PATH of a pool, or --metadata FILE|DEVICE"
                    : "give either PATH of a pool or --metadata FILE|DEVICE, not both");
            else if ((path ?? metadata)!.Length == 0)
                result.AddError(path is null ? "--metadata is empty" : "PATH is empty");
            else if (metadata is null && _snapshot is not null && result.GetValue(_snapshot))
                result.AddError("--metadata-snap goes with --metadata; a pool that is served is read through its engine");
        });
    }

    /// <summary>A pool of ours is meant; for validators, which run after the one of this class.</summary>
    public bool IsPool(SymbolResult result) => result.GetValue(_metadata) is null;

    /// <summary>The metadata snapshot is meant; for validators likewise.</summary>
    public bool UsesSnapshot(SymbolResult result) => _snapshot is not null && result.GetValue(_snapshot);

    /// <summary>What was said.</summary>
    public MetadataTarget Read(ParseResult parsed) => new(
        parsed.GetValue(_path),
        parsed.GetValue(_metadata),
        _snapshot is not null && parsed.GetValue(_snapshot),
        _control is null ? null : parsed.GetValue(_control) ?? ControlSocket.DefaultPath);
}
