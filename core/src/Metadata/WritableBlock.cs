using System.Diagnostics;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// A block that may be changed. The only ways to one are <see cref="TransactionManager.New"/> and <see cref="TransactionManager.Shadow"/>,
/// so no committed block is ever changed in place. Good until the transaction ends.
/// </summary>
internal readonly struct WritableBlock
{
    private readonly CachedBlock _block;

    internal WritableBlock(CachedBlock block)
    {
        Debug.Assert(block.IsDirty, "only a block of this transaction may be changed");
        _block = block;
    }

    /// <summary>Its place in the metadata region.</summary>
    public ulong Number => _block.Number;

    /// <summary>The bytes to change. The header's number and checksum are stamped when it is written.</summary>
    public Span<byte> Bytes => _block.Memory;

    /// <summary>The block read as a B-tree node.</summary>
    public NodeView View => new(_block.Data);

    /// <summary>The block changed as a B-tree node.</summary>
    public NodeEditor Node => new(_block.Memory);
}
