using CsiThin.Core.Device;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// Writes blocks the way disks like it: neighbours by one write, and many writes in flight, because the blocks of a transaction may lie
/// anywhere and each that waits for the one before would keep a flush waiting. Nothing is in flight between two calls. Mutating thread.
/// </summary>
internal sealed class BlockWriter(IDisk disk) : IDisposable
{
    /// <summary>Neighbours are written together up to this size.</summary>
    private const int WriteBytesMax = 256 << 10;

    /// <summary>What is in flight at most.</summary>
    private const int StagingBytes = 1 << 20;

    private readonly DiskCompletion[] _completions = new DiskCompletion[StagingBytes / BlockFormat.BlockBytes];
    private AlignedBuffer? _staging;
    private IDiskQueue? _queue;
    private int _stagedBytes;

    /// <summary>Stamps and writes <paramref name="blocks"/>, which are sorted by number. No barrier.</summary>
    /// <exception cref="DiskException">A write failed: which of the blocks are on the disk is unknown.</exception>
    public void Write(List<CachedBlock> blocks)
    {
        for (var begin = 0; begin < blocks.Count;)
        {
            var end = begin + 1;
            while (end < blocks.Count && blocks[end].Number == blocks[begin].Number + (ulong)(end - begin)
                && end - begin < WriteBytesMax / BlockFormat.BlockBytes
                && !disk.IsSeam((long)blocks[end].Number * BlockFormat.BlockBytes))
                end++;
            Stage(blocks, begin, end);
            begin = end;
        }
        Settle();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _queue?.Dispose();
        _staging?.Dispose();
    }

    private void Stage(List<CachedBlock> blocks, int begin, int end)
    {
        var lengthBytes = (end - begin) * BlockFormat.BlockBytes;
        if (_stagedBytes + lengthBytes > StagingBytes)
            Settle();
        _staging ??= new AlignedBuffer(StagingBytes);
        _queue ??= disk.OpenQueue();
        var staged = _staging.Span.Slice(_stagedBytes, lengthBytes);
        for (var i = begin; i < end; i++)
        {
            // Stamping changes only the header's checksum and number, which no reader of a cached block looks at.
            BlockFormat.Stamp(blocks[i].Kind, blocks[i].Number, blocks[i].Memory);
            blocks[i].Data.CopyTo(staged[((i - begin) * BlockFormat.BlockBytes)..]);
        }
        var number = blocks[begin].Number;
        _queue.Write((long)number * BlockFormat.BlockBytes, _staging.Address + _stagedBytes, lengthBytes, number);
        _stagedBytes += lengthBytes;
    }

    /// <summary>Waits for what was staged, all of it even if some fails, because the memory is in use until then.</summary>
    private void Settle()
    {
        if (_stagedBytes == 0)
            return;
        _stagedBytes = 0;
        DiskException? failure = null;
        _queue!.Submit();
        while (_queue.InFlight > 0)
        {
            var count = _queue.Reap(_completions, wait: true);
            foreach (var completion in _completions.AsSpan(0, count))
                if (completion.Errno != 0)
                    failure ??= DiskException.Of($"the write of metadata block {completion.Tag}", completion.Errno);
        }
        if (failure != null)
            throw failure;
    }
}
