using System.Buffers;
using System.IO.Pipelines;

namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// The lines of a watch: one JSON document each. A watch that says nothing for the time given is taken for dead, because a connection whose
/// other end is gone looks just as quiet. Used by one thread at a time.
/// </summary>
internal sealed class WatchLines(KubeCall call, Stream stream, TimeSpan silence, TimeProvider time) : IAsyncDisposable
{
    // An object is at most what etcd takes, 1.5 MiB; a line has two at most.
    private const int LineBytesMax = 8 << 20;

    private readonly PipeReader _reader = PipeReader.Create(stream);

    /// <summary>
    /// The next line without its end, null when the stream has ended; what came behind the last end of line is half a document and is left.
    /// </summary>
    public async Task<byte[]?> ReadAsync(CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(silence, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            while (true)
            {
                var result = await _reader.ReadAsync(both.Token).ConfigureAwait(false);
                if (TryTakeLine(result.Buffer, out var line))
                    return line;
                if (result.Buffer.Length > LineBytesMax)
                    throw KubeErrors.Malformed(call, $"a line of more than {LineBytesMax} bytes");
                if (result.IsCompleted)
                    return null;
                _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new KubeException(KubeError.Timeout, $"cannot {call}: nothing was heard for {silence.TotalSeconds:0} s");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _reader.CompleteAsync();

    private bool TryTakeLine(ReadOnlySequence<byte> buffer, out byte[] line)
    {
        line = [];
        if (buffer.PositionOf((byte)'\n') is not { } end)
            return false;
        line = buffer.Slice(0, end).ToArray();
        _reader.AdvanceTo(buffer.GetPosition(1, end));
        return true;
    }
}
