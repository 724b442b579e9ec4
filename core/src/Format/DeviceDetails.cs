using System.Buffers.Binary;

namespace CsiThin.Core.Format;

/// <summary>The value of the device details tree: what is known of one thin device (<c>struct disk_device_details</c>).</summary>
internal readonly record struct DeviceDetails(ulong MappedBlocks, ulong TransactionId, uint CreationTime, uint SnapshottedTime)
{
    public const int SizeBytes = 24;

    public static DeviceDetails Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, MappedBlocks);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], TransactionId);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[16..], CreationTime);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[20..], SnapshottedTime);
    }
}
