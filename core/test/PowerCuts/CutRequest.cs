using CsiThin.Core.Device;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>A request of a <see cref="CutClient"/> with its sectors and its number, which its payload carries.</summary>
internal sealed class CutRequest : BlockRequest, IDisposable
{
    private const int BlockSectors = (int)(CutScene.BlockBytes / Payload.SectorBytes);
    private AlignedBuffer? _buffer;

    public int Number { get; init; }

    public int First { get; init; }

    /// <summary>0 for a flush.</summary>
    public int Count { get; init; }

    /// <summary>What the volume had when it was asked.</summary>
    public int Sectors { get; init; }

    /// <summary>Where it changes something: a discard only whole data blocks, of which the volume's last may be a short one.</summary>
    public int ChangedFirst => IsDiscard ? (First + BlockSectors - 1) / BlockSectors * BlockSectors : First;

    /// <summary>0 when nothing changes.</summary>
    public int ChangedCount => Operation == BlockOperation.Read ? 0 : Math.Max(0, ChangedEnd - ChangedFirst);

    public Span<byte> Bytes => _buffer!.Span;

    private bool IsDiscard => Operation == BlockOperation.Discard;

    private int ChangedEnd => !IsDiscard || First + Count == Sectors ? First + Count : (First + Count) / BlockSectors * BlockSectors;

    public void GiveBuffer()
    {
        _buffer = new AlignedBuffer((int)LengthBytes);
        Address = _buffer.Address;
    }

    public void Dispose() => _buffer?.Dispose();
}
