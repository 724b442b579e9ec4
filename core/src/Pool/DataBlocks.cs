using CsiThin.Core.Device;

namespace CsiThin.Core.Pool;

/// <summary>
/// The worker's reads and writes of data blocks, of any alignment: whole sectors go straight through, the rest by way of one bounce buffer.
/// A request's payload is an address; address 0 stands for zeroes. All failures are <see cref="DataBlockException"/>. Belongs to the
/// worker.
/// </summary>
internal sealed class DataBlocks(IDisk data, long blockBytes) : IDisposable
{
    private const long BounceBytesMax = 1 << 20;
    private readonly AlignedBuffer _bounce = new((int)Math.Min(blockBytes, BounceBytesMax));
    private readonly int _sector = data.AlignmentBytes;

    public void Dispose() => _bounce.Dispose();

    /// <summary>Reads a range of the data region into memory.</summary>
    public void Read(long offsetBytes, Span<byte> target)
    {
        while (target.Length > 0)
        {
            if (offsetBytes % _sector == 0 && target.Length >= _sector)
            {
                var direct = target[..(target.Length / _sector * _sector)];
                ReadSectors(offsetBytes, direct);
                offsetBytes += direct.Length;
                target = target[direct.Length..];
                continue;
            }
            var start = offsetBytes / _sector * _sector;
            ReadSectors(start, _bounce.Span[.._sector]);
            var part = _bounce.Span[(int)(offsetBytes - start).._sector];
            part = part[..Math.Min(part.Length, target.Length)];
            part.CopyTo(target);
            offsetBytes += part.Length;
            target = target[part.Length..];
        }
    }

    /// <summary>Writes a range inside a block that is mapped and not shared; sectors covered in part keep their other bytes.</summary>
    public void Overwrite(long offsetBytes, long lengthBytes, nint source)
    {
        var end = offsetBytes + lengthBytes;
        for (var at = offsetBytes; at < end;)
        {
            var start = at / _sector * _sector;
            var stop = Math.Min(RoundUp(end), start + _bounce.LengthBytes);
            var until = Math.Min(end, stop);
            var window = Window(stop - start);
            if (start != at || until != stop)
                ReadSectors(start, window);
            Overlay(window[(int)(at - start)..(int)(until - start)], source, at - offsetBytes);
            WriteSectors(start, window);
            at = until;
        }
    }

    /// <summary>Writes payload that covers whole sectors without copying it.</summary>
    public void WriteDirect(long offsetBytes, long lengthBytes, nint source) =>
        WriteSectors(offsetBytes, AlignedBuffer.View(source, lengthBytes));

    /// <summary>True when <see cref="WriteDirect"/> may take it.</summary>
    public bool IsDirect(long offsetBytes, long lengthBytes, nint source) =>
        source != 0 && offsetBytes % _sector == 0 && lengthBytes % _sector == 0;

    /// <summary>
    /// Fills a new block: the payload where it covers, and around it the old block's bytes (<paramref name="oldOffsetBytes"/>) or zeroes
    /// (null). Nobody can see the new block until its mapping is inserted, and by then no byte of it is left over from an earlier owner.
    /// </summary>
    public void FillNew(long newOffsetBytes, long? oldOffsetBytes, long withinBytes, long lengthBytes, nint source)
    {
        for (long chunk = 0; chunk < blockBytes; chunk += _bounce.LengthBytes)
        {
            var window = Window(Math.Min(_bounce.LengthBytes, blockBytes - chunk));
            var from = Math.Max(chunk, withinBytes);
            var to = Math.Min(chunk + window.Length, withinBytes + lengthBytes);
            var covered = from == chunk && to == chunk + window.Length;
            if (covered && source != 0)
            {
                WriteDirect(newOffsetBytes + chunk, window.Length, source + (nint)(chunk - withinBytes));
                continue;
            }
            if (!covered && oldOffsetBytes is { } old)
                ReadSectors(old + chunk, window);
            else
                window.Clear();
            if (from < to)
                Overlay(window[(int)(from - chunk)..(int)(to - chunk)], source, from - withinBytes);
            WriteSectors(newOffsetBytes + chunk, window);
        }
    }

    private static void Overlay(Span<byte> target, nint source, long sourceOffset)
    {
        if (source == 0)
            target.Clear();
        else
            AlignedBuffer.View(source + (nint)sourceOffset, target.Length).CopyTo(target);
    }

    private Span<byte> Window(long lengthBytes) => _bounce.Span[..(int)lengthBytes];

    private long RoundUp(long bytes) => (bytes + _sector - 1) / _sector * _sector;

    private void ReadSectors(long offsetBytes, Span<byte> target)
    {
        try
        {
            data.Read(offsetBytes, target);
        }
        catch (DiskException e)
        {
            throw new DataBlockException(e);
        }
    }

    private void WriteSectors(long offsetBytes, ReadOnlySpan<byte> source)
    {
        try
        {
            data.Write(offsetBytes, source);
        }
        catch (DiskException e)
        {
            throw new DataBlockException(e);
        }
    }
}
