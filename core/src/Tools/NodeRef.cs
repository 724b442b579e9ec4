namespace CsiThin.Core.Tools;

/// <summary>A node of a tree as its parent sees it.</summary>
/// <param name="Number">Its block.</param>
/// <param name="Low">The parent's key for it: no key below the node is lower.</param>
/// <param name="Parent">The index of its parent in the level above; -1 for the root.</param>
internal readonly record struct NodeRef(ulong Number, ulong Low, int Parent);
