using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Cli;

/// <summary>How much of something is used.</summary>
internal sealed record UsageReport(ulong Total, ulong Used);

/// <summary>A region of the pool's disk.</summary>
internal sealed record RegionReport(long OffsetBytes, long LengthBytes)
{
    /// <summary>The report on one region.</summary>
    public static RegionReport Of(RegionExtent region) => new(region.OffsetBytes, region.LengthBytes);
}

/// <summary>The regions of the pool's disk: those of formatting, and those that growth has added behind them, if any.</summary>
internal sealed record RegionsReport(RegionReport Metadata, RegionReport Data, IReadOnlyList<AddedRegionsReport> Added)
{
    /// <summary>The report on a pool's extents, one at least.</summary>
    public static RegionsReport Of(IReadOnlyList<PoolExtent> extents) => new(
        RegionReport.Of(extents[0].Metadata),
        RegionReport.Of(extents[0].Data),
        [.. extents.Skip(1).Select(
            static extent => new AddedRegionsReport(RegionReport.Of(extent.Metadata), RegionReport.Of(extent.Data)))]);
}

/// <summary>Regions that continue those before them.</summary>
internal sealed record AddedRegionsReport(RegionReport Metadata, RegionReport Data);

/// <summary>A volume or snapshot as the command line prints it; <see cref="Id"/> and <see cref="Source"/> are handles.</summary>
internal sealed record VolumeReport(
    string Id, string Name, string Kind, uint ThinId, long SizeBytes, long MappedBytes, string? Source, DateTimeOffset CreatedAt)
{
    /// <summary>The report on one volume.</summary>
    public static VolumeReport Of(VolumeUsage usage) => new(
        usage.Volume.Id.ToString(),
        usage.Volume.Name,
        Describe.Kind(usage.Volume.Kind),
        usage.Volume.ThinId.Value,
        usage.Volume.SizeBytes,
        usage.MappedBytes,
        usage.Volume.Source?.ToString(),
        usage.Volume.CreatedAt);

    private string[] Cells() => [Name, Kind, SizeText.Format(SizeBytes), SizeText.Format(MappedBytes), Id, Source ?? "-"];

    /// <summary>Prints a table of volumes, or that there are none.</summary>
    public static void WriteTable(TextWriter output, IReadOnlyCollection<VolumeReport> volumes)
    {
        if (volumes.Count == 0)
        {
            output.WriteLine("no volumes");
            return;
        }

        string[] heading = ["NAME", "KIND", "SIZE", "MAPPED", "HANDLE", "SOURCE"];
        Output.Table(output, [heading, .. volumes.Select(volume => volume.Cells())]);
    }
}

/// <summary>A pool as <c>pool status</c> prints it. The fields are promised; later versions may add to them.</summary>
internal sealed record PoolReport(
    string Uuid,
    string Mode,
    bool NeedsCheck,
    ulong TransactionId,
    long DataBlockBytes,
    UsageReport DataBlocks,
    UsageReport MetadataBlocks,
    RegionsReport Regions,
    long ProvisionedBytes,
    IReadOnlyList<VolumeReport> Volumes)
{
    /// <summary>The report on a pool and its volumes.</summary>
    public static PoolReport Of(PoolStatus status, IEnumerable<VolumeUsage> volumes) => new(
        status.Uuid.ToString("N"),
        Describe.Mode(status.Mode),
        status.NeedsCheck,
        status.TransactionId,
        status.DataBlockBytes,
        new UsageReport(status.DataBlocksTotal, status.DataBlocksUsed),
        new UsageReport(status.MetadataBlocksTotal, status.MetadataBlocksUsed),
        RegionsReport.Of(status.Extents),
        status.ProvisionedBytes,
        [.. volumes.Select(VolumeReport.Of)]);

    /// <summary>Prints it for people.</summary>
    public void Write(TextWriter output)
    {
        output.WriteLine($"uuid         {Uuid}");
        output.WriteLine($"mode         {Mode}{(NeedsCheck ? ", needs check" : "")}, transaction {TransactionId}");
        output.WriteLine($"data         {Used(DataBlocks, DataBlockBytes)} in blocks of {SizeText.Format(DataBlockBytes)}");
        output.WriteLine($"metadata     {Used(MetadataBlocks, 4096)}");
        output.WriteLine($"provisioned  {SizeText.Format(ProvisionedBytes)}");
        output.WriteLine();
        VolumeReport.WriteTable(output, Volumes);
    }

    private static string Used(UsageReport usage, long blockBytes)
    {
        var (used, total) = (SizeText.Format((long)usage.Used * blockBytes), SizeText.Format((long)usage.Total * blockBytes));
        return FormattableString.Invariant($"{used} of {total} used ({100.0 * usage.Used / Math.Max(usage.Total, 1):0.#} %)");
    }
}
