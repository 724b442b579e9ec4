using CsiThin.Core.Pool;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// Chooses the one device a declaration means, and writes nothing. A device that holds one of our pools is the pool; else the one that is
/// provably empty. What is in use (mounted, swapped on, held, itself or a partition of it) cannot be opened for us alone and is passed
/// over, so the system disk never comes into question. Two that fit are none: a guess would be wrong on the next boot. A pattern stands for
/// whole disks alone; what the kernel makes of other things (nbd: our own volumes; loop, dm, md) has to be named.
/// </summary>
internal sealed class DeviceChoice(IBlockDevices devices)
{
    /// <summary>No device fits.</summary>
    public const string NoDevice = "NoDevice";

    /// <summary>More than one fits.</summary>
    public const string SeveralDevices = "SeveralDevices";

    private static readonly string[] Never = ["nbd", "ram", "zram", "sr", "fd"];
    private static readonly string[] OnlyNamed = ["loop", "dm-", "md"];
    private static readonly string[] PartitionFolders = ["/dev/disk/by-partlabel/", "/dev/disk/by-partuuid/"];

    /// <summary>The choice; devices with a kernel name in <paramref name="taken"/> belong to other declarations.</summary>
    public DeclaredPool Choose(PoolDeclaration declaration, IReadOnlySet<string> taken)
    {
        var refusals = new List<string>();
        var pools = new List<string>();
        var empty = new List<string>();
        foreach (var (path, facts) in Candidates(declaration, refusals))
        {
            if (taken.Contains(facts.KernelName))
            {
                refusals.Add($"{path} belongs to another declaration");
                continue;
            }

            try
            {
                Sort(path, devices.Inspect(path), pools, empty, refusals);
            }
            catch (PoolException failure)
            {
                refusals.Add(failure.Message.StartsWith(path, StringComparison.Ordinal) ? failure.Message : $"{path}: {failure.Message}");
            }
        }

        var result = new DeclaredPool(declaration) { Refusals = refusals };
        return (pools.Count, empty.Count) switch
        {
            (1, _) => result with { Path = pools[0] },
            (0, 1) => result with { Path = empty[0], IsNew = true },
            (0, 0) => result with { Trouble = new PoolTrouble(NoDevice, None(declaration, refusals)) },
            (0, _) => result with { Trouble = Several(empty, "empty devices fit") },
            _ => result with { Trouble = Several(pools, "devices hold pools") },
        };
    }

    private static void Sort(string path, DeviceContent? content, List<string> pools, List<string> empty, List<string> refusals)
    {
        if (content is null)
            empty.Add(path);
        else if (content.PoolUuid is not null)
            pools.Add(path);
        else
            refusals.Add($"{path} holds {content.Description}");
    }

    // One path for each device, the first it is found by.
    private IEnumerable<(string Path, BlockDeviceFacts Facts)> Candidates(PoolDeclaration declaration, List<string> refusals)
    {
        var seen = new HashSet<string>();
        foreach (var pattern in declaration.Paths)
        {
            foreach (var path in devices.Expand(pattern))
            {
                var isNamed = path == pattern;
                if (devices.Look(path) is not { } facts)
                {
                    if (isNamed)
                        refusals.Add($"{path} is no block device of this node");
                }
                else if (seen.Add(facts.KernelName))
                {
                    if (Unfit(path, facts, isNamed, declaration) is { } reason)
                        refusals.Add(reason);
                    else
                        yield return (path, facts);
                }
            }
        }
    }

    private static string? Unfit(string path, BlockDeviceFacts facts, bool isNamed, PoolDeclaration declaration)
    {
        if (Never.Any(kind => IsOfKind(facts.KernelName, kind)))
            return $"{path} ({facts.KernelName}) is of a kind that never becomes a pool";
        if (!isNamed && OnlyNamed.Any(kind => facts.KernelName.StartsWith(kind, StringComparison.Ordinal)))
            return $"{path} ({facts.KernelName}) is no disk: name it without * and ? if it is meant";
        if (!isNamed && facts.IsPartition && !PartitionFolders.Any(folder => path.StartsWith(folder, StringComparison.Ordinal)))
            return $"{path} is a partition: name it without * and ? if it is meant";
        if (facts.SizeBytes == 0)
            return $"{path} has no size (no medium in it?)";
        if (facts.SizeBytes < declaration.MinimumBytes || facts.SizeBytes > declaration.MaximumBytes)
            return $"{path} has {Quantity.Format(facts.SizeBytes)}, outside the sizes declared";
        return facts.IsReadOnly ? $"{path} cannot be written" : null;
    }

    private static bool IsOfKind(string name, string kind) =>
        name.Length > kind.Length && name.StartsWith(kind, StringComparison.Ordinal) && char.IsAsciiDigit(name[kind.Length]);

    private static string None(PoolDeclaration declaration, List<string> refusals) => refusals.Count > 0
        ? $"no device fits: {string.Join("; ", refusals)}"
        : $"no device fits: there is none at {string.Join(", ", declaration.Paths.Select(NameRules.Quote))}";

    private static PoolTrouble Several(List<string> paths, string what) =>
        new(SeveralDevices, $"{paths.Count} {what}: {string.Join(", ", paths)}; narrow the declaration to one");
}
