namespace CsiThin.Core.Tools.Restore;

/// <summary>
/// The bytes of a text on their way to the XML parser, which keeps an element with all its attributes in memory: more than
/// <see cref="MaxUnmarkedBytes"/> without an element coming to its end are refused.
/// </summary>
internal sealed class XmlPoolStream(Stream inner) : Stream
{
    /// <summary>Far above the longest element of a dump and the parser's buffers.</summary>
    public const int MaxUnmarkedBytes = 1 << 20;

    private long _mark;

    /// <summary>Bytes read so far.</summary>
    public long ReadBytes { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => ReadBytes; set => throw new NotSupportedException(); }

    /// <summary>An element came to its end.</summary>
    public void Mark() => _mark = ReadBytes;

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (ReadBytes - _mark > MaxUnmarkedBytes)
            throw new XmlPoolException($"{ReadBytes - _mark} bytes without an element: at most {MaxUnmarkedBytes} are read");
        var count = inner.Read(buffer);
        ReadBytes += count;
        return count;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
