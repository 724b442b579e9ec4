using System.Runtime.InteropServices;

namespace CsiThin.Core.Device.Files;

/// <summary>What <c>statx</c> fills in, as far as it is used here (<c>struct statx</c>, include/uapi/linux/stat.h).</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct StatX
{
    internal const uint BasicStats = 0x7ff;

    /// <summary>STATX_DIOALIGN, from Linux 6.1 on; where it is missing the answer's <see cref="Mask"/> lacks the bit.</summary>
    internal const uint DirectAlignment = 0x2000;

    private const ushort TypeMask = 0xF000, TypeRegular = 0x8000, TypeBlock = 0x6000, TypeDirectory = 0x4000;

    [FieldOffset(0)] internal uint Mask;
    [FieldOffset(28)] internal ushort Mode;
    [FieldOffset(32)] internal ulong Inode;
    [FieldOffset(128)] internal uint NodeMajor;
    [FieldOffset(132)] internal uint NodeMinor;
    [FieldOffset(136)] internal uint DeviceMajor;
    [FieldOffset(140)] internal uint DeviceMinor;
    [FieldOffset(152)] internal uint DirectMemoryBytes;
    [FieldOffset(156)] internal uint DirectOffsetBytes;

    internal readonly bool IsRegular => (Mode & TypeMask) == TypeRegular;

    internal readonly bool IsBlockDevice => (Mode & TypeMask) == TypeBlock;

    internal readonly bool IsDirectory => (Mode & TypeMask) == TypeDirectory;

    /// <summary>The number of the file system the file lies on, as <c>stat</c> and the loop driver write it (huge_encode_dev).</summary>
    internal readonly ulong FileSystemNumber => Encode(DeviceMajor, DeviceMinor);

    /// <summary>The number of a block device, written likewise.</summary>
    internal readonly ulong NodeNumber => Encode(NodeMajor, NodeMinor);

    /// <summary>Both names lead to the same file: the same block device, or the same inode of the same file system.</summary>
    internal readonly bool IsSameFile(in StatX other) => IsBlockDevice
        ? other.IsBlockDevice && (NodeMajor, NodeMinor) == (other.NodeMajor, other.NodeMinor)
        : (Inode, DeviceMajor, DeviceMinor) == (other.Inode, other.DeviceMajor, other.DeviceMinor);

    private static ulong Encode(uint major, uint minor) => (minor & 0xffUL) | ((ulong)major << 8) | ((minor & ~0xffUL) << 12);
}
