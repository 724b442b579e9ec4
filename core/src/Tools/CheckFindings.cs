using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>The findings of a check, up to <see cref="MetadataChecker.MaxFindings"/>.</summary>
internal sealed class CheckFindings
{
    private readonly List<MetadataFinding> _all = [];

    public IReadOnlyList<MetadataFinding> All => _all;

    public bool IsFull => _all.Count >= MetadataChecker.MaxFindings;

    /// <summary>A block could not be followed, so that references below it are missing from the counts.</summary>
    public bool HasHiddenReferences { get; private set; }

    public void Add(FindingKind kind, string message, IReadOnlyList<ulong> path) =>
        Add(new MetadataFinding(kind, message, [.. path.Select(static block => new MetaBlock(block))]));

    public void Add(MetadataFinding finding)
    {
        HasHiddenReferences |= finding.Kind == FindingKind.DamagedBlock;
        if (!IsFull)
            _all.Add(finding);
    }
}
