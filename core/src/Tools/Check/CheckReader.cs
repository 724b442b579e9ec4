using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Check;

/// <summary>Reads blocks for the checker, by their kind; what is wrong becomes a finding.</summary>
internal sealed class CheckReader(IDisk disk, ulong blocks, CheckFindings findings)
{
    /// <summary>Metadata blocks of the pool that are there.</summary>
    public ulong Blocks { get; } = Math.Min(blocks, (ulong)disk.LengthBytes / BlockFormat.BlockBytes);

    /// <summary>What is wrong with a block that is not one of them.</summary>
    public string Beyond => $"it lies beyond the {Blocks} blocks of the metadata";

    /// <summary>Fills <paramref name="buffer"/>, or adds a finding.</summary>
    public bool TryRead(ulong number, BlockKind kind, Span<byte> buffer, IReadOnlyList<ulong> path)
    {
        var wrong = Read(number, kind, buffer);
        if (wrong != null)
            findings.Add(FindingKind.DamagedBlock, $"block {number}: {wrong}", path);
        return wrong == null;
    }

    /// <summary>Blocks in the caller's order, all of them within <see cref="Blocks"/>; the caller judges them.</summary>
    public OrderedBlocks ReadAhead(ulong[] numbers) => new(disk, numbers.Length, index => numbers[index]);

    private string? Read(ulong number, BlockKind kind, Span<byte> buffer)
    {
        if (number >= Blocks)
            return Beyond;
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
