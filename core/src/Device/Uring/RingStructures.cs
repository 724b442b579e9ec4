using System.Runtime.InteropServices;

namespace CsiThin.Core.Device.Uring;

/// <summary><c>struct io_uring_sqe</c>, 64 bytes (include/uapi/linux/io_uring.h); what is left out stays zero.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct RingSubmission
{
    [FieldOffset(0)] internal byte Operation;
    [FieldOffset(4)] internal int File;
    [FieldOffset(8)] internal long OffsetBytes;
    [FieldOffset(16)] internal long Address;
    [FieldOffset(24)] internal int LengthBytes;
    [FieldOffset(28)] internal uint OperationFlags;
    [FieldOffset(32)] internal ulong UserData;
}

/// <summary><c>struct io_uring_cqe</c>, 16 bytes: bytes moved, or an errno as a negative number.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct RingCompletion
{
    [FieldOffset(0)] internal ulong UserData;
    [FieldOffset(8)] internal int Result;
}

/// <summary><c>struct io_uring_params</c>, 120 bytes: what is asked for, then where in the shared memory everything lies.</summary>
[StructLayout(LayoutKind.Explicit, Size = 120)]
internal struct RingParameters
{
    [FieldOffset(0)] internal uint SubmissionEntries;
    [FieldOffset(4)] internal uint CompletionEntries;
    [FieldOffset(8)] internal uint Flags;
    [FieldOffset(20)] internal uint Features;
    [FieldOffset(44)] internal uint SubmissionTail;
    [FieldOffset(48)] internal uint SubmissionMask;
    [FieldOffset(56)] internal uint SubmissionFlags;
    [FieldOffset(64)] internal uint SubmissionArray;
    [FieldOffset(80)] internal uint CompletionHead;
    [FieldOffset(84)] internal uint CompletionTail;
    [FieldOffset(88)] internal uint CompletionMask;
    [FieldOffset(100)] internal uint CompletionEntriesAt;
}
