using System.Runtime.InteropServices;
using CsiThin.Core.Format;

namespace CsiThin.Core.Tools.Check;

/// <summary>A tree as the checker knows it: its name and value size, and for mappings the device whose they are.</summary>
internal sealed record CheckedTree(string Name, int ValueBytes)
{
    public ThinId? Thin { get; init; }

    /// <summary>Its keys are thin ids.</summary>
    public bool HasDeviceKeys { get; init; }
}

/// <summary>A tree to walk: its root, and the blocks from the superblock to it.</summary>
internal readonly record struct CheckedRoot(ulong Number, CheckedTree Tree, IReadOnlyList<ulong> Above);

/// <summary>A node the checker has reached, as its first parent sees it.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct CheckedNode
{
    public ulong Number;

    /// <summary>No key below is lower.</summary>
    public ulong Low;

    /// <summary>Every key below is lower; null for "to the end".</summary>
    public ulong? High;

    /// <summary>The parent's index; -1 for a root.</summary>
    public int Parent;

    /// <summary>The index of its tree.</summary>
    public int Root;

    /// <summary>Where its children begin in the list of all children, and how many of them could be reached.</summary>
    public int FirstChild, ChildCount;

    /// <summary>It has fewer entries than a node below another may have.</summary>
    public bool IsSmall;

    /// <summary>Levels below it.</summary>
    public byte Height;

    /// <summary>The lowest and the highest key below it, where there are any.</summary>
    public ulong Lowest, Highest;

    /// <summary>Entries of all leaves below, once <see cref="Count"/> says so.</summary>
    public ulong Entries;

    public CountState Count;
}

/// <summary>How far the entries below a node have been counted.</summary>
internal enum CountState : byte
{
    Unknown,
    UnderWay,
    Done,
}
