using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// Chooses the one device that each declaration means, and writes nothing.
/// <list type="number">
/// <item>A declaration that was a pool on this node before is that pool, on whichever of its devices it is found, and nothing else: not
/// another pool, and no empty disk while its own is away.</item>
/// <item>A declaration that was none yet is the one device that holds a pool which is no other declaration's, else the one that is provably
/// empty.</item>
/// <item>Two that fit are none: a guess would be wrong on the next boot. So are two that hold the same pool: one is a copy, nobody knows
/// which, and what is written to the one would be missing in the other.</item>
/// </list>
/// </summary>
internal sealed class DeviceChoice(DeviceSurvey survey, RememberedPools remembered, IReadOnlyList<PoolDeclaration> declarations)
{
    /// <summary>No device fits.</summary>
    public const string NoDevice = "NoDevice";

    /// <summary>More than one fits.</summary>
    public const string SeveralDevices = "SeveralDevices";

    /// <summary>The pool that the declaration was is on no device that can be taken.</summary>
    public const string PoolMissing = "PoolMissing";

    private readonly HashSet<string> _taken = [];
    private readonly Dictionary<Guid, string> _owners = declarations
        .Select(one => (one.Name, Pool: remembered.Find(one.Name)))
        .Where(one => one.Pool is not null)
        .ToDictionary(one => one.Pool!.Uuid, one => one.Name);

    /// <summary>The choice; a device that was chosen is no other declaration's.</summary>
    public DeclaredPool Choose(PoolDeclaration declaration)
    {
        var (devices, unfit) = survey.Of(declaration);
        var refusals = unfit.ToList();
        var was = remembered.Find(declaration.Name);
        var usable = new List<SurveyedDevice>();
        foreach (var device in devices)
        {
            if (Refusal(declaration, was, device) is { } refusal)
                refusals.Add(refusal);
            else
                usable.Add(device);
        }

        var outcome = new DeclaredPool(declaration) { Refusals = refusals };
        return was is null ? First(outcome, usable) : Again(outcome, was, usable);
    }

    private string? Refusal(PoolDeclaration declaration, RememberedPool? was, SurveyedDevice device) => device switch
    {
        _ when _taken.Contains(device.Facts.KernelName) => $"{device.Path} belongs to another declaration",
        { Failure: { } failure } => failure,
        { Content: null } => was is null ? null : $"{device.Path} is empty",
        { Content: { PoolUuid: null, Description: var held } } => $"{device.Path} holds {held}",
        { Content.InUse: { } user } => user,
        { Content.PoolUuid: { } pool } when _owners.TryGetValue(pool, out var owner) && owner != declaration.Name =>
            $"{device.Path} holds pool {pool:N}, which is {NameRules.Quote(owner)}",
        { Content.PoolUuid: { } pool } when was is not null && was.Uuid != pool => $"{device.Path} holds another pool, {pool:N}",
        _ => null,
    };

    private DeclaredPool First(DeclaredPool outcome, List<SurveyedDevice> usable)
    {
        var pools = usable.Where(one => one.Content is not null).ToList();
        var empty = usable.Where(one => one.Content is null).ToList();
        return (pools.Count, empty.Count) switch
        {
            (1, _) => Take(outcome, pools[0]),
            (0, 1) => Take(outcome, empty[0]),
            (0, 0) => outcome with { Trouble = new PoolTrouble(NoDevice, $"no device fits: {WhyNone(outcome)}") },
            (0, _) => outcome with { Trouble = Several(empty, "empty devices fit") },
            _ => outcome with { Trouble = Copies(pools[0]) ?? Several(pools, "devices hold pools") },
        };
    }

    private DeclaredPool Again(DeclaredPool outcome, RememberedPool was, List<SurveyedDevice> usable)
    {
        if (usable.Count > 0)
            return Take(outcome, usable[0]);
        var name = outcome.Declaration.Name;
        return outcome with
        {
            Trouble = new PoolTrouble(
                PoolMissing,
                $"pool {was.Uuid:N}, last on {was.Device}, is on no device that is declared and free here: {WhyNone(outcome)}. It is "
                + "served as soon as its disk is there; until then no other disk is taken for it. If the disk is lost for good, run "
                + $"'csi-thin pool forget {name}' in the container of this node's engine and restart the engine: a new pool is made then"),
        };
    }

    private DeclaredPool Take(DeclaredPool outcome, SurveyedDevice device)
    {
        if (Copies(device) is { } copies)
            return outcome with { Trouble = copies };
        _taken.Add(device.Facts.KernelName);
        return outcome with { Path = device.Path, Uuid = device.Content?.PoolUuid, IsNew = device.Content is null };
    }

    private PoolTrouble? Copies(SurveyedDevice device) =>
        device.Content?.PoolUuid is { } pool && survey.Holding(pool) is { Count: > 1 } paths
            ? new PoolTrouble(
                SeveralDevices,
                $"{paths.Count} devices hold the same pool {pool:N}: {string.Join(", ", paths)}; all but one are copies: take them away, "
                + "or empty them")
            : null;

    private static string WhyNone(DeclaredPool outcome) => outcome.Refusals.Count > 0
        ? string.Join("; ", outcome.Refusals)
        : $"there is none at {string.Join(", ", outcome.Declaration.Paths.Select(NameRules.Quote))}";

    private static PoolTrouble Several(List<SurveyedDevice> devices, string what) => new(
        SeveralDevices, $"{devices.Count} {what}: {string.Join(", ", devices.Select(one => one.Path))}; narrow the declaration to one");
}
