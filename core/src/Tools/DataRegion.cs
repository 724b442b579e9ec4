using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>Data blocks from <paramref name="Begin"/> up to, and without, <paramref name="End"/>.</summary>
public readonly record struct DataRegion(DataBlock Begin, DataBlock End);
