using CsiThin.Core.Device.Probe;
using CsiThin.Core.Device.Uring;
using Microsoft.Win32.SafeHandles;

namespace CsiThin.Core.Device;

/// <summary>
/// A block device or a regular file, past the page cache where the file system lets us (O_DIRECT), owned by one process at a time.
/// <list type="bullet">
/// <item>Dispose the queues first. A ring that outlives its disk keeps the descriptor, and with it the ownership, until it is disposed;
/// operations of the other queues end with EBADF. None ever reaches another file that came to have the same number.</item>
/// <item>Barriers come one after the other, and a failed one is final: see <see cref="BarrierTurn"/>.</item>
/// <item>Concurrency: all members from any thread; the mutable state is single words, each written with its own fence.</item>
/// </list>
/// </summary>
public sealed class FileDisk : IDisk
{
    private readonly SafeFileHandle _file;
    private readonly FileFacts _facts;
    private readonly DiskQueueKind _queueKind;
    private readonly BounceBuffer _bounce = new();
    private DiskBounds _bounds;
    private readonly BarrierTurn _barriers;
    private volatile bool _cannotDiscard;

    private FileDisk(string path, SafeFileHandle file, FileFacts facts, FileDiskOptions options)
    {
        Path = path;
        IsReadOnly = options.ReadOnly;
        _file = file;
        _facts = facts;
        _queueKind = options.QueueKind;
        _bounds = new DiskBounds(this, facts.AlignmentBytes);
        _barriers = new BarrierTurn(Sync);
    }

    /// <summary>The path it was opened by.</summary>
    public string Path { get; }

    /// <summary>Writes, discards and growth are refused (EROFS).</summary>
    public bool IsReadOnly { get; }

    /// <summary>A block device, else a regular file.</summary>
    public bool IsBlockDevice => _facts.IsBlockDevice;

    /// <summary>Transfers pass the page cache by; false where the file system refused.</summary>
    public bool IsDirect => _facts.IsDirect;

    /// <summary>Lies in memory (tmpfs, ramfs, a RAM disk): nothing is ever waited for.</summary>
    public bool IsMemoryBacked => _facts.IsMemoryBacked;

    /// <inheritdoc/>
    public int AlignmentBytes => _facts.AlignmentBytes;

    /// <inheritdoc/>
    public bool IsRotational => SysBlock.IsRotational(_facts.DeviceNumber.Major, _facts.DeviceNumber.Minor);

    /// <summary>The present length; the tail of a file that is no whole sector is left out.</summary>
    public long LengthBytes
    {
        get
        {
            var end = LibC.LSeek(_file, 0, LibC.SeekEnd);
            return end >= 0 ? end & -AlignmentBytes : throw DiskException.Of($"length of {Path}", Errno.Last);
        }
    }

    internal SafeFileHandle File => _file;

    /// <summary>
    /// Opens a disk and takes ownership. Throws <see cref="DiskException"/>: <see cref="DiskException.IsBusy"/> when it is mounted, open or
    /// claimed elsewhere, otherwise with the system's errno (none for what is neither a file nor a block device).
    /// </summary>
    public static FileDisk Open(string path, FileDiskOptions? options = null)
    {
        options ??= new FileDiskOptions();
        var file = FileOpener.Open(path, options, out var facts);
        return new FileDisk(path, file, facts, options);
    }

    /// <summary>
    /// Makes a new file of <paramref name="lengthBytes"/> that takes up no space yet (mode 0600), its name made durable, and opens it.
    /// Throws <see cref="DiskException"/>, EEXIST when the path is taken; leaves nothing behind when it fails.
    /// </summary>
    public static FileDisk Create(string path, long lengthBytes, FileDiskOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lengthBytes, 0);
        FileOpener.Create(path, lengthBytes);
        return Open(path, options);
    }

    /// <summary>
    /// Lengthens a file without taking up space, durably. The system's errno for a block device (EINVAL); never shortens.
    /// </summary>
    public void Grow(long lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lengthBytes, LengthBytes);
        RefuseIfReadOnly("grow");
        if (LibC.FTruncate(_file, lengthBytes) != 0)
            throw DiskException.Of($"grow {Path} to {lengthBytes} bytes", Errno.Last);
        Barrier();
    }

    /// <inheritdoc/>
    public unsafe void Read(long offsetBytes, Span<byte> buffer)
    {
        _bounds.Check(offsetBytes, buffer.Length);
        fixed (byte* address = buffer)
        {
            if (_facts.TakesMemoryAt((nint)address))
                Transfer(false, offsetBytes, (nint)address, buffer.Length);
            else
                ReadThroughBounce(offsetBytes, buffer);
        }
    }

    /// <inheritdoc/>
    public unsafe void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        _bounds.Check(offsetBytes, buffer.Length);
        RefuseIfReadOnly("write");
        fixed (byte* address = buffer)
        {
            if (_facts.TakesMemoryAt((nint)address))
                Transfer(true, offsetBytes, (nint)address, buffer.Length);
            else
                WriteThroughBounce(offsetBytes, buffer);
        }
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        if (_barriers.Run() is var errno and not 0)
            throw DiskException.Of($"barrier on {Path}", errno);
    }

    /// <inheritdoc/>
    public bool CanDiscard => !_cannotDiscard;

    /// <inheritdoc/>
    public unsafe void Discard(long offsetBytes, long lengthBytes)
    {
        _bounds.Check(offsetBytes, lengthBytes);
        RefuseIfReadOnly("discard");
        if (_cannotDiscard || lengthBytes == 0)
            return;
        var range = stackalloc ulong[] { (ulong)offsetBytes, (ulong)lengthBytes };
        while ((IsBlockDevice
            ? LibC.IoCtl(_file, LibC.BlockDiscard, range)
            : LibC.FAllocate(_file, LibC.AllocatePunchHole | LibC.AllocateKeepSize, offsetBytes, lengthBytes)) != 0)
        {
            var errno = Errno.Last;
            if (errno == Errno.Interrupted)
                continue;
            if (errno is not (Errno.NotSupported or Errno.NoSuchCall or Errno.NotATerminal))
                throw DiskException.Of($"discard of {lengthBytes} bytes at {offsetBytes} on {Path}", errno);
            _cannotDiscard = true;
            return;
        }
    }

    /// <summary>
    /// Opens a queue of the kind this disk was opened for. Throws <see cref="DiskException"/> when a demanded ring is refused.
    /// </summary>
    public IDiskQueue OpenQueue()
    {
        switch (_queueKind)
        {
            case DiskQueueKind.InPlace:
            case DiskQueueKind.Automatic when IsMemoryBacked:
                return new InPlaceDiskQueue(this);
            case DiskQueueKind.Ring:
                return UringDiskQueue.Open(this);
            case DiskQueueKind.Automatic when UringDiskQueue.TryOpen(this, out _) is { } queue:
                return queue;
            default:
                return new ThreadDiskQueue(this);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _bounce.Dispose();
    }

    /// <summary>The bytes of a file behind its last whole sector, which the rest of this class leaves out; mostly none.</summary>
    internal byte[] ReadIncompleteSector()
    {
        using var buffer = new AlignedBuffer(AlignmentBytes);
        var start = LengthBytes;
        nint moved;
        do
            moved = LibC.PRead(_file, buffer.Address, (nuint)AlignmentBytes, start);
        while (moved < 0 && Errno.Last == Errno.Interrupted);
        return moved >= 0
            ? buffer.Span[..(int)moved].ToArray()
            : throw DiskException.Of($"read of the last bytes, at {start}, on {Path}", Errno.Last);
    }

    private int Sync()
    {
        while (LibC.FDataSync(_file) != 0)
        {
            if (Errno.Last is var errno and not Errno.Interrupted)
                return errno;
        }
        return 0;
    }

    private void ReadThroughBounce(long offsetBytes, Span<byte> buffer)
    {
        var bounce = _bounce.Rent();
        for (var done = 0; done < buffer.Length;)
        {
            var part = Math.Min(buffer.Length - done, bounce.LengthBytes);
            Transfer(false, offsetBytes + done, bounce.Address, part);
            bounce.Span[..part].CopyTo(buffer[done..]);
            done += part;
        }
        _bounce.Return(bounce);
    }

    private void WriteThroughBounce(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        var bounce = _bounce.Rent();
        for (var done = 0; done < buffer.Length;)
        {
            var part = Math.Min(buffer.Length - done, bounce.LengthBytes);
            buffer.Slice(done, part).CopyTo(bounce.Span);
            Transfer(true, offsetBytes + done, bounce.Address, part);
            done += part;
        }
        _bounce.Return(bounce);
    }

    private void Transfer(bool isWrite, long offsetBytes, nint address, int lengthBytes)
    {
        for (var done = 0; done < lengthBytes;)
        {
            var rest = (nuint)(lengthBytes - done);
            var moved = isWrite
                ? LibC.PWrite(_file, address + done, rest, offsetBytes + done)
                : LibC.PRead(_file, address + done, rest, offsetBytes + done);
            if (moved > 0)
                done += (int)moved;
            else if (moved == 0)
                throw new DiskException($"{Describe(isWrite, offsetBytes, lengthBytes)} failed: the disk ends after {done} of them", 0);
            else if (Errno.Last is not (Errno.Interrupted or Errno.TryAgain))
                throw DiskException.Of(Describe(isWrite, offsetBytes, lengthBytes), Errno.Last);
        }
    }

    private string Describe(bool isWrite, long offsetBytes, int lengthBytes) =>
        $"{(isWrite ? "write" : "read")} of {lengthBytes} bytes at {offsetBytes} on {Path}";

    private void RefuseIfReadOnly(string operation)
    {
        if (IsReadOnly)
            throw new DiskException($"{operation} on {Path} refused: it was opened read-only", Errno.ReadOnly);
    }
}
