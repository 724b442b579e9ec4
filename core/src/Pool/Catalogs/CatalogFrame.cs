using System.Buffers.Binary;
using System.Text;
using CsiThin.Core.Format;

namespace CsiThin.Core.Pool.Catalogs;

/// <summary>
/// One change of the catalog: an entry put (added or replaced); or made dying, of which only the thin device is kept until that is gone;
/// or, with neither, the entry of that number removed.
/// </summary>
internal readonly record struct CatalogChange(ulong Number, VolumeInfo? Put, ThinId? Dying)
{
    public static CatalogChange Of(VolumeInfo volume) => new(volume.Id.Number, volume, null);

    public static CatalogChange OfDying(ulong number, ThinId device) => new(number, null, device);

    public static CatalogChange Remove(ulong number) => new(number, null, null);
}

/// <summary>What a frame says besides its changes. <see cref="NextNumber"/> is the first number no volume of this pool ever had.</summary>
internal readonly record struct CatalogFrameHeader(ulong Generation, ulong Sequence, ulong TransactionId, ulong NextNumber);

/// <summary>
/// The unit the journal is written in: all changes of one transaction, padded to whole 4 KiB blocks so that no committed byte is ever
/// rewritten. Little-endian:
/// <code>
/// 0   u32 crc32c of bytes 4 to length-1     4  u32 length in bytes, this header included, padding not
/// 8   u32 magic "CTFR"                      12 u32 changes
/// 16  u64 generation of the journal         24 u64 sequence within it, from 0
/// 32  u64 transaction id                    40 u64 next number
/// 48  16  pool uuid
/// 64  changes: u8 kind (1 put, 2 remove, 3 dying) · u64 number · for a dying: u32 thin id · for a put: u8 volume kind · u32 thin id ·
///     u64 size · i64 created (unix ms) · u8 source (0 none, 1 volume, 2 snapshot) · [16 uuid · u64 number] · string name ·
///     u16 parameters · (string key · string value)… with strings as u16 bytes and UTF-8
/// </code>
/// </summary>
internal static class CatalogFrame
{
    public const int BlockBytes = 4096;
    public const int HeaderBytes = 64;
    private const byte KindPut = 1, KindRemove = 2, KindDying = 3;
    private const uint Magic = 0x52465443; // "CTFR"
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[] Encode(Guid pool, CatalogFrameHeader header, IReadOnlyCollection<CatalogChange> changes)
    {
        using var stream = new MemoryStream();
        stream.SetLength(HeaderBytes);
        stream.Position = HeaderBytes;
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            foreach (var change in changes)
                WriteChange(writer, change);
        }
        var length = (int)stream.Length;
        var frame = new byte[(length + BlockBytes - 1) / BlockBytes * BlockBytes];
        stream.GetBuffer().AsSpan(0, length).CopyTo(frame);
        WriteHeader(frame, pool, header, length, changes.Count);
        return frame;
    }

    /// <summary>Reads a header and answers how long the frame is in whole blocks; null where no frame of this pool begins.</summary>
    public static CatalogFrameHeader? DecodeHeader(ReadOnlySpan<byte> block, Guid pool, out int lengthBytes)
    {
        lengthBytes = BinaryPrimitives.ReadInt32LittleEndian(block[4..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(block[8..]) != Magic || lengthBytes < HeaderBytes
            || new Guid(block.Slice(48, 16), bigEndian: true) != pool)
            return null;
        return new CatalogFrameHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(block[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(block[24..]),
            BinaryPrimitives.ReadUInt64LittleEndian(block[32..]),
            BinaryPrimitives.ReadUInt64LittleEndian(block[40..]));
    }

    /// <summary>The changes of a whole frame; null when its checksum or its content is wrong.</summary>
    public static List<CatalogChange>? DecodeChanges(ReadOnlySpan<byte> frame, Guid pool)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(frame) != Crc32C.Of(frame[4..]))
            return null;
        var count = BinaryPrimitives.ReadInt32LittleEndian(frame[12..]);
        using var reader = new BinaryReader(new MemoryStream(frame[HeaderBytes..].ToArray()), Encoding.UTF8);
        try
        {
            var changes = new List<CatalogChange>();
            for (var i = 0; i < count; i++)
                changes.Add(ReadChange(reader, pool));
            return count >= 0 && reader.BaseStream.Position == reader.BaseStream.Length ? changes : null;
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException or DecoderFallbackException)
        {
            return null;
        }
    }

    private static void WriteHeader(Span<byte> frame, Guid pool, CatalogFrameHeader header, int length, int count)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame[4..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[8..], Magic);
        BinaryPrimitives.WriteInt32LittleEndian(frame[12..], count);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[16..], header.Generation);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[24..], header.Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[32..], header.TransactionId);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[40..], header.NextNumber);
        pool.TryWriteBytes(frame[48..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Crc32C.Of(frame[4..length]));
    }

    private static void WriteChange(BinaryWriter writer, CatalogChange change)
    {
        writer.Write(change.Put is not null ? KindPut : change.Dying is not null ? KindDying : KindRemove);
        writer.Write(change.Number);
        if (change.Dying is { } device)
            writer.Write(device.Value);
        if (change.Put is not { } volume)
            return;
        writer.Write((byte)volume.Kind);
        writer.Write(volume.ThinId.Value);
        writer.Write(volume.SizeBytes);
        writer.Write(volume.CreatedAt.ToUnixTimeMilliseconds());
        writer.Write((byte)(volume.Source is null ? 0 : (int)volume.SourceKind + 1));
        if (volume.Source is { } source)
        {
            writer.Write(source.Pool.ToByteArray(bigEndian: true));
            writer.Write(source.Number);
        }
        WriteString(writer, volume.Name);
        writer.Write((ushort)volume.Parameters.Count);
        foreach (var (key, value) in volume.Parameters)
        {
            WriteString(writer, key);
            WriteString(writer, value);
        }
    }

    private static CatalogChange ReadChange(BinaryReader reader, Guid pool)
    {
        var kind = reader.ReadByte();
        var number = reader.ReadUInt64();
        if (kind == KindRemove)
            return CatalogChange.Remove(number);
        if (kind == KindDying)
            return CatalogChange.OfDying(number, ReadThinId(reader));
        if (kind != KindPut)
            throw new InvalidDataException();
        var volumeKind = reader.ReadByte();
        var thinId = ReadThinId(reader);
        var size = reader.ReadInt64();
        var created = reader.ReadInt64();
        var sourceKind = reader.ReadByte();
        VolumeId? source = sourceKind == 0 ? null : new VolumeId(new Guid(ReadExactly(reader, 16), bigEndian: true), reader.ReadUInt64());
        if (volumeKind > 1 || sourceKind > 2 || size <= 0 || created is < 0 or > 253402300799999)
            throw new InvalidDataException();
        var name = ReadString(reader);
        return CatalogChange.Of(new VolumeInfo
        {
            Id = new VolumeId(pool, number),
            Name = name,
            Kind = (VolumeKind)volumeKind,
            ThinId = thinId,
            SizeBytes = size,
            Source = source,
            SourceKind = (VolumeKind)Math.Max(0, sourceKind - 1),
            Parameters = ReadParameters(reader),
            CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(created),
        });
    }

    private static ThinId ReadThinId(BinaryReader reader) =>
        new ThinId(reader.ReadUInt32()) is { Value: <= ThinId.MaxValue } id ? id : throw new InvalidDataException();

    private static Dictionary<string, string> ReadParameters(BinaryReader reader)
    {
        var count = reader.ReadUInt16();
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
            parameters[ReadString(reader)] = ReadString(reader);
        return parameters;
    }

    private static void WriteString(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write(checked((ushort)bytes.Length));
        writer.Write(bytes);
    }

    private static string ReadString(BinaryReader reader) => StrictUtf8.GetString(ReadExactly(reader, reader.ReadUInt16()));

    private static byte[] ReadExactly(BinaryReader reader, int count)
    {
        var bytes = reader.ReadBytes(count);
        return bytes.Length == count ? bytes : throw new EndOfStreamException();
    }
}
