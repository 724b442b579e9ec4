using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools;

/// <summary>Reads blocks for the checker, by their kind; what is wrong becomes a finding.</summary>
internal sealed class CheckReader(IDisk disk, ulong blocks, CheckFindings findings)
{
    /// <summary>Metadata blocks of the pool that are there.</summary>
    public ulong Blocks { get; } = Math.Min(blocks, (ulong)disk.LengthBytes / BlockFormat.BlockBytes);

    /// <summary>Fills <paramref name="buffer"/>, or adds a finding.</summary>
    public bool TryRead(ulong number, BlockKind kind, Span<byte> buffer, IReadOnlyList<ulong> path)
    {
        var wrong = Read(number, kind, buffer);
        if (wrong != null)
            findings.Add(FindingKind.DamagedBlock, $"block {number}: {wrong}", path);
        return wrong == null;
    }

    /// <summary>Fills <paramref name="buffer"/>; else says what is wrong.</summary>
    public string? Read(ulong number, BlockKind kind, Span<byte> buffer)
    {
        if (number >= Blocks)
            return $"it lies beyond the {Blocks} blocks of the metadata";
        try
        {
            disk.Read((long)number * BlockFormat.BlockBytes, buffer);
        }
        catch (DiskException e)
        {
            return e.Message;
        }
        return BlockFormat.Check(kind, number, buffer);
    }
}
