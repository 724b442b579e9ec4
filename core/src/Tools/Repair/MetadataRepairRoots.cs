using System.Buffers.Binary;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Repair;

/// <summary>What a tree of device details says, as far as it can be read.</summary>
internal sealed record DetailsCandidate(ulong Root, SortedDictionary<ulong, DeviceDetails> Devices)
{
    /// <summary>
    /// The newest transaction and time of any device, then how many mappings all have: the order of age. Neither clock moves while no
    /// snapshot is taken, and then more mappings are mostly later ones.
    /// </summary>
    public (ulong Transaction, uint Time, ulong Mapped) Age { get; } = Devices.Values.Aggregate((0UL, 0u, 0UL), static (age, details) =>
        (Math.Max(age.Item1, details.TransactionId),
            Math.Max(age.Item2, Math.Max(details.CreationTime, details.SnapshottedTime)),
            unchecked(age.Item3 + details.MappedBlocks)));
}

/// <summary>What a top level of mappings leads to, as far as it can be read.</summary>
internal sealed record MappingCandidate(ulong Root, SortedDictionary<ulong, RepairVerdict> Devices)
{
    /// <summary>The newest mapping, how many are of that time, and how many there are at all: the order of age.</summary>
    public (uint Time, ulong AtTime, ulong Entries) Age { get; } = AgeOf(Devices.Values);

    private static (uint, ulong, ulong) AgeOf(ICollection<RepairVerdict> verdicts)
    {
        var newest = verdicts.Aggregate((0u, 0UL), static (age, verdict) => RepairTrees.Newer(age, (verdict.Newest, verdict.AtNewest)));
        return (newest.Item1, newest.Item2, verdicts.Aggregate(0UL, static (sum, verdict) => sum + verdict.Entries));
    }
}

/// <summary>
/// Chooses the two roots to repair from. Those of a superblock that can be trusted come first; one that cannot be read is replaced by the
/// candidate that agrees with the other in devices and numbers of mappings, or agrees most; of several the newest.
/// </summary>
internal sealed class RepairRoots(RepairSource source, ToolRun run)
{
    /// <summary>Candidates compared with each other one by one, the newest first, when none agree wholly.</summary>
    private const int MaxCompared = 64;

    private readonly RepairTrees _trees = new(source);

    /// <summary>The details to use; null when there are none.</summary>
    public DetailsCandidate? Details { get; private set; }

    /// <summary>The mappings to use; null when there are none.</summary>
    public MappingCandidate? Mappings { get; private set; }

    /// <summary>Chooses; <paramref name="superblock"/> is null when it is lost.</summary>
    public void Choose(byte[]? superblock)
    {
        if (superblock != null)
        {
            var view = new SuperblockView(superblock);
            Details = IsTree(view.DetailsRoot, DeviceDetails.SizeBytes) ? ReadDetails(view.DetailsRoot) : null;
            Mappings = IsTree(view.MappingRoot, sizeof(ulong)) ? ReadMappings(view.MappingRoot) : null;
        }
        if (Details != null && Mappings != null)
            return;
        var scan = new RepairScan(source, run);
        var details = Details != null ? [Details] : scan.DetailsRoots.Select(ReadDetails).OrderByDescending(static one => one.Age).ToList();
        var mappings = Mappings != null
            ? [Mappings]
            : scan.MappingRoots.Select(ReadMappings).OrderByDescending(static one => one.Age).ToList();
        (Details, Mappings) = ChoosePair(details, mappings);
    }

    private static (DetailsCandidate?, MappingCandidate?) ChoosePair(List<DetailsCandidate> details, List<MappingCandidate> mappings)
    {
        var byContent = new Dictionary<int, List<MappingCandidate>>();
        foreach (var one in mappings)
        {
            var hash = Hash(one.Devices.Select(static pair => (pair.Key, pair.Value.Entries)));
            if (!byContent.TryGetValue(hash, out var alike))
                byContent.Add(hash, alike = []);
            alike.Add(one);
        }
        // Both lists have the newest first, so the first two that agree wholly are the newest.
        foreach (var one in details)
            if (byContent.TryGetValue(Hash(one.Devices.Select(static pair => (pair.Key, pair.Value.MappedBlocks))), out var alike)
                && alike.FirstOrDefault(other => Agreement(one, other) == one.Devices.Count && other.Devices.Count == one.Devices.Count)
                    is { } match)
                return (one, match);
        var best = (Score: -1, Details: details.FirstOrDefault(), Mappings: mappings.FirstOrDefault());
        foreach (var one in details.Take(MaxCompared))
            foreach (var other in mappings.Take(MaxCompared))
                if (Agreement(one, other) is var score && score > best.Score)
                    best = (score, one, other);
        return (best.Details, best.Mappings);
    }

    /// <summary>Devices that both have with the same number of mappings, all readable.</summary>
    private static int Agreement(DetailsCandidate details, MappingCandidate mappings) =>
        mappings.Devices.Count(pair =>
            pair.Value.IsSound && details.Devices.TryGetValue(pair.Key, out var found) && found.MappedBlocks == pair.Value.Entries);

    private static int Hash(IEnumerable<(ulong Id, ulong Mapped)> devices)
    {
        var hash = default(HashCode);
        foreach (var device in devices)
            hash.Add(device);
        return hash.ToHashCode();
    }

    private bool IsTree(ulong root, int valueBytes)
    {
        var block = new byte[BlockFormat.BlockBytes];
        return source.ReadNode(root, block) == null && (!new NodeView(block).IsLeaf || new NodeView(block).ValueBytes == valueBytes);
    }

    private DetailsCandidate ReadDetails(ulong root)
    {
        var devices = new SortedDictionary<ulong, DeviceDetails>();
        new RepairWalk(source, "device details", DeviceDetails.SizeBytes).Visit(root, [],
            (id, value, _) => devices[id] = DeviceDetails.Read(value));
        return new DetailsCandidate(root, devices);
    }

    private MappingCandidate ReadMappings(ulong root)
    {
        var devices = new SortedDictionary<ulong, RepairVerdict>();
        new RepairWalk(source, "top level of mappings", sizeof(ulong)).Visit(root, [],
            (id, value, _) => devices[id] = _trees.Judge(BinaryPrimitives.ReadUInt64LittleEndian(value)));
        return new MappingCandidate(root, devices);
    }
}
