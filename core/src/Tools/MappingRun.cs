namespace CsiThin.Core.Tools;

/// <summary>
/// Virtual blocks of one device that follow each other and map to data blocks that follow each other, whenever they were mapped.
/// </summary>
/// <param name="Begin">The first virtual block.</param>
/// <param name="Data">The data block it maps to.</param>
/// <param name="Length">In data blocks, above 0.</param>
internal readonly record struct MappingRun(ulong Begin, ulong Data, ulong Length)
{
    /// <summary>The first virtual block behind it.</summary>
    public ulong End => Begin + Length;

    /// <summary>The next mapping continues this run.</summary>
    public bool IsFollowedBy(ulong begin, ulong data) => begin == End && data == Data + Length;

    /// <summary>What is left behind the first <paramref name="blocks"/>.</summary>
    public MappingRun Skip(ulong blocks) => new(Begin + blocks, Data + blocks, Length - blocks);
}

/// <summary>A device's runs in the order of their virtual blocks.</summary>
internal interface IMappingRuns
{
    /// <summary>The next run; false at the end. A run is as long as it can be.</summary>
    bool TryNext(out MappingRun run);
}
