using CsiThin.Core.Pool;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// Carries out the declarations that apply to this node, in order, each device for one of them. Nothing is ever forced: the device is
/// looked at again, opened for us alone, when it is formatted.
/// </summary>
internal sealed class DeclaredPools(IBlockDevices devices)
{
    /// <summary>Formatting failed, or what was empty is not any more.</summary>
    public const string NotFormatted = "NotFormatted";

    /// <summary>
    /// The outcome of each; with <paramref name="makes"/> an empty device is formatted, else it is only said that it would be. Two
    /// declarations of one name that apply to one node are refused.
    /// </summary>
    public IReadOnlyList<DeclaredPool> Resolve(
        IEnumerable<PoolDeclaration> declarations, IReadOnlyDictionary<string, string> nodeLabels, bool makes)
    {
        var mine = declarations.Where(one => one.AppliesTo(nodeLabels)).ToList();
        if (mine.GroupBy(one => one.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new VolumeException(
                VolumeError.InvalidArgument, $"pool {NameRules.Quote(twice.Key)} is declared {twice.Count()} times for this node");
        var choice = new DeviceChoice(devices);
        var taken = new HashSet<string>();
        var outcomes = new List<DeclaredPool>();
        foreach (var declaration in mine)
        {
            var outcome = choice.Choose(declaration, taken);
            if (outcome.Path is { } path && devices.Look(path) is { } facts)
                taken.Add(facts.KernelName);
            outcomes.Add(makes && outcome is { IsNew: true, Path: not null } ? Make(outcome) : outcome);
        }

        return outcomes;
    }

    private DeclaredPool Make(DeclaredPool outcome)
    {
        try
        {
            var options = new PoolFormatOptions();
            if (outcome.Declaration.DataBlockBytes is { } bytes)
                options = options with { DataBlockBytes = bytes };
            devices.Format(outcome.Path!, options);
            return outcome;
        }
        catch (PoolException failure)
        {
            return outcome with { Path = null, IsNew = false, Trouble = new PoolTrouble(NotFormatted, failure.Message) };
        }
    }
}
