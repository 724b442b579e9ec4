using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// The devices that the paths of a declaration stand for, not yet opened. A pattern stands for whole disks alone; what the kernel makes of
/// other things (nbd: our own volumes; loop, dm, md) has to be named.
/// </summary>
internal sealed class DeviceCandidates(IBlockDevices devices)
{
    private static readonly string[] Never = ["nbd", "ram", "zram", "sr", "fd"];
    private static readonly string[] OnlyNamed = ["loop", "dm-", "md"];
    private static readonly string[] PartitionFolders = ["/dev/disk/by-partlabel/", "/dev/disk/by-partuuid/"];

    /// <summary>
    /// Those that fit, one path for each, the first it is found by; why others do not goes to <paramref name="refusals"/>.
    /// </summary>
    public IReadOnlyList<(string Path, BlockDeviceFacts Facts)> Find(PoolDeclaration declaration, List<string> refusals)
    {
        var found = new List<(string, BlockDeviceFacts)>();
        var seen = new HashSet<string>();
        foreach (var (path, isNamed) in Paths(declaration))
        {
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
                    found.Add((path, facts));
            }
        }

        return found;
    }

    private IEnumerable<(string Path, bool IsNamed)> Paths(PoolDeclaration declaration) =>
        from pattern in declaration.Paths
        from path in devices.Expand(pattern)
        select (path, path == pattern);

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
}
