using System.Runtime.InteropServices;

namespace CsiThin.Core.Device;

/// <summary>
/// Zeroed native memory aligned for O_DIRECT (4096 bytes). The garbage collector neither moves nor counts it, so the kernel may
/// hold its address while an operation is in flight. Whoever created it disposes it, and only when nothing is in flight on it.
/// </summary>
public sealed unsafe class AlignedBuffer : IDisposable
{
    /// <summary>Bytes; every address handed out is a multiple of it, which satisfies 512- and 4096-byte sectors alike.</summary>
    public const int AlignmentBytes = 4096;

    private byte* _memory;

    /// <summary>Takes <paramref name="lengthBytes"/> bytes (one at least) and fills them with zeroes.</summary>
    public AlignedBuffer(int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lengthBytes, 1);
        LengthBytes = lengthBytes;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)lengthBytes, AlignmentBytes);
        NativeMemory.Clear(_memory, (nuint)lengthBytes);
    }

    /// <summary>Last resort for an owner that was lost: the memory is given back, late.</summary>
    ~AlignedBuffer() => Free();

    /// <summary>Usable bytes.</summary>
    public int LengthBytes { get; }

    /// <summary>The address of the first byte, for system calls.</summary>
    public nint Address => (nint)Live();

    /// <summary>The whole buffer. Must not be used after <see cref="Dispose"/>.</summary>
    public Span<byte> Span => new(Live(), LengthBytes);

    /// <summary>
    /// The bytes behind an address a <see cref="BlockRequest"/> carries. The caller vouches that they live: between submit and reap, they
    /// do.
    /// </summary>
    public static Span<byte> View(nint address, long lengthBytes) => new((void*)address, checked((int)lengthBytes));

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private byte* Live()
    {
        ObjectDisposedException.ThrowIf(_memory == null, this);
        return _memory;
    }

    private void Free()
    {
        var memory = _memory;
        _memory = null;
        if (memory != null)
            NativeMemory.AlignedFree(memory);
    }
}
