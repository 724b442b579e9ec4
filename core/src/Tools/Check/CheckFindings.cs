using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Check;

/// <summary>The findings of a check, up to <see cref="MetadataChecker.MaxFindings"/>.</summary>
internal sealed class CheckFindings
{
    private readonly List<MetadataFinding> _all = [];
    private readonly List<LeakedBlocks> _leaks = [];

    public IReadOnlyList<MetadataFinding> All => _all;

    public bool IsFull => _all.Count >= MetadataChecker.MaxFindings;

    /// <summary>A block could not be followed, so that references below it are missing from the counts.</summary>
    public bool HasHiddenReferences { get; private set; }

    /// <summary>The leaks among the findings, as numbers.</summary>
    public IReadOnlyList<LeakedBlocks> Leaks => _leaks;

    public void Add(LeakedBlocks leak, string message)
    {
        if (!IsFull)
            _leaks.Add(leak);
        Add(FindingKind.Leak, message, []);
    }

    public void Add(FindingKind kind, string message, IReadOnlyList<ulong> path) =>
        Add(new MetadataFinding(kind, message, [.. path.Select(static block => new MetaBlock(block))]));

    public void Add(MetadataFinding finding)
    {
        HasHiddenReferences |= finding.Kind == FindingKind.DamagedBlock;
        if (!IsFull)
            _all.Add(finding);
    }
}
