using CsiThin.Core.Device.Files;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Repair;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>One repair. What is damaged stays as it is until the whole of the new metadata is there.</summary>
internal sealed class RepairJob(MetadataTarget target, RepairOptions options, long? newBytes, bool force, ToolRun run)
{
    private const uint SectorBytes = 512;
    private const long MetadataBlockBytes = 4096;

    /// <summary>Repairs to <paramref name="outputPath"/>, or in place where that is null.</summary>
    public RepairReport Run(string? outputPath)
    {
        using var source = outputPath is null
            ? MetadataSource.OpenForWriting(target, "repair --in-place")
            : MetadataSource.OpenAsync(target, run.Cancellation).GetAwaiter().GetResult(); // offline, which never waits
        var known = source.Pool is { } pool ? Known(pool) : options;
        return outputPath is null ? InPlace(source, known) : ToOutput(source, known, outputPath);
    }

    // What the pool knows of itself beside the metadata.
    private static RepairOptions Known(PoolInspector pool) => new()
    {
        DataBlockSectors = (uint)(pool.DataBlockBytes / SectorBytes),
        DataBlocks = pool.DataBlocks,
        TransactionId = pool.CatalogTransactionId,
        OnlyIfLost = true,
    };

    private RepairReport ToOutput(MetadataSource source, RepairOptions known, string outputPath)
    {
        var lengthBytes = source.Disk.LengthBytes / MetadataBlockBytes * MetadataBlockBytes;
        using var to = MetadataOutput.Open(
            outputPath, PathKinds.Of(outputPath) == PathKind.Absent ? newBytes ?? lengthBytes : newBytes, target.Path, force);
        var result = source.Read(disk => MetadataRepair.Repair(disk, to.Disk, known, run));
        to.Complete();
        return RepairReport.Of(result, []);
    }

    private RepairReport InPlace(MetadataSource source, RepairOptions known)
    {
        var pool = source.Pool!;
        using var staging = new StagingDisk(pool.Metadata.LengthBytes);
        var result = source.Read(disk => MetadataRepair.Repair(disk, staging.Disk, known, run));
        PoolFit.Require(pool, staging.Disk, "the repaired metadata");
        MetadataInstall.Copy(staging.Disk, pool.Metadata, run);
        return RepairReport.Of(result, pool.CheckCatalog());
    }
}

/// <summary>What a repair kept and lost, as it is printed. The fields are promised; later versions may add to them.</summary>
/// <param name="Kept">Thin devices in the new metadata.</param>
/// <param name="Lost">Ids of those that are not.</param>
/// <param name="Findings">What was lost or changed, with the virtual blocks and the path of metadata blocks.</param>
/// <param name="MetadataBlocks">Metadata blocks in use now.</param>
/// <param name="CatalogFindings">Where the pool's catalog knows other devices than the new metadata.</param>
internal sealed record RepairReport(
    IReadOnlyList<RepairedThin> Kept,
    IReadOnlyList<uint> Lost,
    IReadOnlyList<FindingReport> Findings,
    ulong MetadataBlocks,
    IReadOnlyList<string> CatalogFindings)
{
    /// <summary>The report on one repair.</summary>
    public static RepairReport Of(RepairResult result, IReadOnlyList<string> catalogFindings) => new(
        [.. result.Kept.Select(device => new RepairedThin(device.Id.Value, device.Mappings, device.Claimed))],
        [.. result.Lost.Select(id => id.Value)],
        [.. result.Findings.Select(FindingReport.Of)],
        result.MetadataBlocks,
        catalogFindings);

    /// <summary>Prints it.</summary>
    public void Print(Output output) => output.Print(this, text =>
    {
        foreach (var sentence in Findings.Select(finding => finding.Text).Concat(CatalogFindings))
            text.WriteLine(sentence);
        foreach (var id in Lost)
            text.WriteLine($"thin device {id} is lost");
        foreach (var thin in Kept.Where(thin => thin.Claimed is { } claimed && claimed > thin.Mappings))
            text.WriteLine($"thin device {thin.ThinId} has lost {thin.Claimed - thin.Mappings} of {thin.Claimed} mappings");
        var mappings = Kept.Aggregate(0UL, (sum, thin) => sum + thin.Mappings);
        text.WriteLine($"{Kept.Count} thin devices kept with {mappings} mappings, {Lost.Count} lost");
    });
}

/// <summary>A thin device that was kept.</summary>
/// <param name="ThinId">Its id.</param>
/// <param name="Mappings">Its mappings now.</param>
/// <param name="Claimed">How many mappings its details said it had; null if they are lost.</param>
internal sealed record RepairedThin(uint ThinId, ulong Mappings, ulong? Claimed);
