namespace CsiThin.Core.Format;

/// <summary>The value of a mapping: the data block, and the pool's time when it was mapped (low 24 bits).</summary>
internal readonly record struct BlockTime(ulong Block, uint Time)
{
    /// <summary>The times that fit; the pool's time rises by one with every snapshot.</summary>
    public const uint MaxTime = (1 << 24) - 1;

    /// <summary>The highest data block that fits into 40 bits.</summary>
    public const ulong MaxBlock = (1UL << 40) - 1;

    public ulong Pack() => (Block << 24) | Time;

    public static BlockTime Unpack(ulong value) => new(value >> 24, (uint)(value & MaxTime));
}
