using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>A run of virtual blocks mapped to consecutive data blocks with one answer to "shared".</summary>
public readonly record struct MappedRange(VirtualBlock Begin, VirtualBlock End, DataBlock DataBegin, bool MaybeShared);
