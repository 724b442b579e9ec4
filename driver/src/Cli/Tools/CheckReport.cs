using CsiThin.Core.Tools.Check;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>What <c>pool check</c> found and did, as it is printed. The fields are promised; later versions may add to them.</summary>
/// <param name="Sound">Nothing is wrong (any more).</param>
/// <param name="Findings">What is wrong.</param>
/// <param name="Live">The pool was being served: counts were not compared, and the catalog is its engine's.</param>
/// <param name="FreedDataBlocks">Leaked data blocks given back, in the pool's data blocks.</param>
/// <param name="FreedMetadataBlocks">Leaked metadata blocks given back, of 4096 bytes.</param>
/// <param name="ClearedNeedsCheck">The needs-check flag was set and is not any more.</param>
internal sealed record CheckReport(
    bool Sound,
    IReadOnlyList<FindingReport> Findings,
    bool Live,
    ulong FreedDataBlocks,
    ulong FreedMetadataBlocks,
    bool ClearedNeedsCheck)
{
    /// <summary>Prints it.</summary>
    public void Print(Output output) => output.Print(this, text =>
    {
        foreach (var finding in Findings)
            text.WriteLine(finding.Text);
        if (FreedDataBlocks + FreedMetadataBlocks > 0)
            text.WriteLine($"leaks freed: {FreedDataBlocks} data blocks and {FreedMetadataBlocks} metadata blocks");
        if (ClearedNeedsCheck)
            text.WriteLine("needs-check flag cleared");
        var moment = Live ? " (as of now: the pool is served, so its devices and mappings were checked and no counts)" : "";
        text.WriteLine((Sound ? "sound" : $"{Findings.Count} finding(s)") + moment);
    });
}

/// <summary>One thing wrong.</summary>
/// <param name="Kind">What sort of thing; "Catalog" for what is wrong beside the metadata.</param>
/// <param name="Message">A sentence with the numbers.</param>
/// <param name="Path">The metadata blocks from the superblock down to the one concerned.</param>
/// <param name="ThinId">The thin device affected, if it is one alone.</param>
/// <param name="Begin">The first virtual block affected, in data blocks.</param>
/// <param name="End">The first virtual block no longer affected; null for "to the end".</param>
internal sealed record FindingReport(
    string Kind, string Message, IReadOnlyList<ulong> Path, uint? ThinId, ulong? Begin, ulong? End)
{
    /// <summary>For people.</summary>
    internal string Text { get; init; } = Message;

    /// <summary>What a check of metadata, or a repair, found.</summary>
    public static FindingReport Of(MetadataFinding finding) => new(
        finding.Kind.ToString(),
        finding.Message,
        [.. finding.Path.Select(block => block.Value)],
        finding.Thin?.Value,
        finding.Begin?.Value,
        finding.End?.Value)
    {
        Text = finding.ToString(),
    };

    /// <summary>What a check of the catalog found.</summary>
    public static FindingReport OfCatalog(string message) => new("Catalog", message, [], null, null, null);
}
