using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tools;

/// <summary>How <see cref="MetadataDelta"/> compares.</summary>
public sealed record DeltaOptions
{
    /// <summary>Says for each range where its data blocks are, as thin_delta --verbose does.</summary>
    public bool Verbose { get; init; }

    /// <summary>Which state is read.</summary>
    public MetadataState State { get; init; }
}

/// <summary>What two thin devices have in common and what not: the work and the text of thin_delta.</summary>
public static class MetadataDelta
{
    /// <summary>Writes the comparison of two devices as XML, the text of thin_delta 0.9.</summary>
    /// <exception cref="MetadataException">
    /// NotFound for an unknown device or no metadata snapshot; Corrupt, Io and what opening throws. What was written so far is not whole
    /// then.
    /// </exception>
    public static void Write(IDisk disk, ThinId left, ThinId right, DeltaOptions options, TextWriter output, ToolRun run)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(run);
        var reader = MetadataReader.Open(disk, options.State);
        var roots = reader.ReadRoots();
        using var leftRuns = new LeafRuns(reader, left, Root(roots, left), run);
        using var rightRuns = new LeafRuns(reader, right, Root(roots, right), ToolRun.Quiet);
        var segments = new DeltaSegments(leftRuns, rightRuns);
        var text = new DeltaText(output, options.Verbose);
        text.Begin(reader.View, left, right);
        while (segments.TryNext(out var segment))
            text.Add(segment);
        text.End();
    }

    private static ulong Root(SortedDictionary<uint, ulong> roots, ThinId id) => roots.TryGetValue(id.Value, out var root)
        ? root
        : throw new MetadataException(MetadataError.NotFound, $"there is no thin device {id}");
}
