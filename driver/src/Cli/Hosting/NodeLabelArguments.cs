using System.CommandLine;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>The options that say which labels this node has, for the node selectors of declared pools.</summary>
internal sealed class NodeLabelArguments
{
    private readonly Option<string?> _kubernetes = ClusterArguments.Kubernetes();
    private readonly Option<string?> _node = ServerArguments.NodeId();

    private readonly Option<string[]> _labels = new("--node-label")
    {
        Description = "A label of this node, again for more; instead of --kubernetes, which asks for them",
        HelpName = "KEY=VALUE",
    };

    /// <summary>Gives a command the options.</summary>
    public void AddTo(Command command)
    {
        _labels.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => token.Value.IndexOf('=', StringComparison.Ordinal) < 1) is { } wrong)
                result.AddError($"--node-label: {NameRules.Quote(wrong.Value)} is not KEY=VALUE");
        });
        command.Options.Add(_kubernetes);
        command.Options.Add(_node);
        command.Options.Add(_labels);
    }

    /// <summary>What was given.</summary>
    public NodeLabels Read(ParseResult parsed)
    {
        var cluster = parsed.GetResult(_kubernetes) is null ? null : new ClusterOptions(parsed.GetValue(_kubernetes));
        var given = (parsed.GetValue(_labels) ?? []).Select(label => label.Split('=', 2));
        return new NodeLabels(parsed.GetRequiredValue(_node)!, cluster, [.. given.Select(pair => KeyValuePair.Create(pair[0], pair[1]))]);
    }
}
