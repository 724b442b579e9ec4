using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>Where a virtual block lives, and whether a snapshot may still need it (break sharing before writing).</summary>
public readonly record struct Mapping(DataBlock Block, bool IsShared);
