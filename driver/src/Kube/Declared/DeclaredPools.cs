using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// Carries out the declarations that apply to this node, each device for one of them: first those that were a pool here before, then the
/// others, in order. Nothing is ever forced: the device is looked at again, opened for us alone, when it is formatted.
/// </summary>
internal sealed class DeclaredPools(IBlockDevices devices, RememberedPools remembered)
{
    /// <summary>Formatting failed or may not be, or what was empty is not any more.</summary>
    public const string NotFormatted = "NotFormatted";

    /// <summary>
    /// The outcome of each; with <paramref name="makes"/> an empty device is formatted, else it is only said that it would be. Two
    /// declarations of one name that apply to one node are refused.
    /// </summary>
    public IReadOnlyList<DeclaredPool> Resolve(
        IEnumerable<PoolDeclaration> declarations, IReadOnlyDictionary<string, string> nodeLabels, bool makes)
    {
        var mine = Applying(declarations, nodeLabels);
        var choice = new DeviceChoice(new DeviceSurvey(devices, mine), remembered, mine);
        var outcomes = new Dictionary<string, DeclaredPool>();
        foreach (var declaration in mine.OrderBy(one => remembered.Find(one.Name) is null)) // a stable order
        {
            var outcome = choice.Choose(declaration);
            if (outcome.IsNew && remembered.IsDamaged)
                outcome = Refuse(outcome, $"{outcome.Path} is empty, but which pools this node had cannot be made out; restart the engine "
                    + "if it is to be formatted");
            outcomes[declaration.Name] = makes && outcome.IsNew ? Make(outcome) : outcome;
        }

        return [.. mine.Select(declaration => outcomes[declaration.Name])];
    }

    /// <summary>The declarations that apply to a node with these labels.</summary>
    public static IReadOnlyList<PoolDeclaration> Applying(
        IEnumerable<PoolDeclaration> declarations, IReadOnlyDictionary<string, string> nodeLabels)
    {
        var mine = declarations.Where(one => one.AppliesTo(nodeLabels)).ToList();
        return mine.GroupBy(one => one.Name).FirstOrDefault(same => same.Count() > 1) is { } twice
            ? throw new VolumeException(
                VolumeError.InvalidArgument, $"pool {NameRules.Quote(twice.Key)} is declared {twice.Count()} times for this node")
            : mine;
    }

    private DeclaredPool Make(DeclaredPool outcome)
    {
        try
        {
            var options = new PoolFormatOptions();
            if (outcome.Declaration.DataBlockBytes is { } bytes)
                options = options with { DataBlockBytes = bytes };
            return outcome with { Uuid = devices.Format(outcome.Path!, options) };
        }
        catch (PoolException failure)
        {
            return Refuse(outcome, failure.Message);
        }
    }

    private static DeclaredPool Refuse(DeclaredPool outcome, string reason) =>
        outcome with { Path = null, IsNew = false, Trouble = new PoolTrouble(NotFormatted, reason) };
}
