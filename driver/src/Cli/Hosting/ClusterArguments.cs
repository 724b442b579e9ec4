using System.CommandLine;
using CsiThin.Driver.Attach;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>The options of <c>node</c> that make it part of a cluster.</summary>
internal sealed class ClusterArguments
{
    private readonly Option<string?> _kubernetes = Kubernetes();

    private readonly Option<string?> _advertise = new("--advertise")
    {
        Description = "Where the controller reaches this node's CSI services, told in the ThinPool objects",
        HelpName = "HOST:PORT",
    };

    private readonly Option<string?> _declared = new("--pools")
    {
        Description = "The declared pools: those that nobody serves are told with the reason",
        HelpName = "FILE",
    };

    private readonly Option<string> _engineState = new("--engine-state-dir")
    {
        Description = "With --pools, the engine's --state-dir, which remembers which pools they were; "
            + $"{DeviceOptions.DefaultStateDirectory} unless given",
        HelpName = "DIR",
        DefaultValueFactory = _ => DeviceOptions.DefaultStateDirectory,
    };

    /// <summary>--kubernetes.</summary>
    public static Option<string?> Kubernetes() => new("--kubernetes")
    {
        Description = "Take part in a Kubernetes cluster: as the pod this is, or as the kubeconfig says",
        HelpName = "KUBECONFIG",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>Gives a command the options.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_kubernetes);
        command.Options.Add(_advertise);
        command.Options.Add(_declared);
        command.Options.Add(_engineState);
    }

    /// <summary>What was given; null without --kubernetes.</summary>
    public ClusterOptions? Read(ParseResult parsed) => parsed.GetResult(_kubernetes) is null
        ? null
        : new ClusterOptions(parsed.GetValue(_kubernetes))
        {
            Address = parsed.GetValue(_advertise),
            DeclarationPath = parsed.GetValue(_declared),
            EngineStateDirectory = parsed.GetRequiredValue(_engineState),
        };
}
