using System.Buffers.Binary;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// What every sector of a test's data says about itself, again and again: the write that made it, its volume's number and its place in the
/// volume, with a check. So a sector that shows up anywhere else is recognised, and one made of two writes as well.
/// </summary>
internal static class Payload
{
    public const int SectorBytes = DiskReplay.SectorBytes;
    private const int StampBytes = 16;
    private const uint CheckMask = 0x7E57C0DE;

    /// <summary>The value of sectors that say nothing: a hole, zeroes.</summary>
    public const int Zero = 0;

    /// <summary>The answer for a sector that no write of ours, nor zeroes, can have left.</summary>
    public const int Broken = -1;

    /// <summary>Fills whole sectors.</summary>
    public static void Fill(Span<byte> sectors, int write, int volume, int firstSector)
    {
        for (var at = 0; at < sectors.Length; at += StampBytes)
        {
            var stamp = sectors[at..];
            var sector = firstSector + at / SectorBytes;
            BinaryPrimitives.WriteInt32LittleEndian(stamp, write);
            BinaryPrimitives.WriteInt32LittleEndian(stamp[4..], volume);
            BinaryPrimitives.WriteInt32LittleEndian(stamp[8..], sector);
            BinaryPrimitives.WriteUInt32LittleEndian(stamp[12..], Check(write, volume, sector));
        }
    }

    /// <summary>The write a sector is of: <see cref="Zero"/> for zeroes, <see cref="Broken"/> when it is of none, or not of here.</summary>
    public static int Read(ReadOnlySpan<byte> sector, int place)
    {
        if (!sector[StampBytes..].SequenceEqual(sector[..^StampBytes]))
            return Broken;
        var write = BinaryPrimitives.ReadInt32LittleEndian(sector);
        var volume = BinaryPrimitives.ReadInt32LittleEndian(sector[4..]);
        if (!sector[..StampBytes].ContainsAnyExcept((byte)0))
            return Zero;
        return BinaryPrimitives.ReadInt32LittleEndian(sector[8..]) == place
            && BinaryPrimitives.ReadUInt32LittleEndian(sector[12..]) == Check(write, volume, place)
            ? write
            : Broken;
    }

    /// <summary>In words, for a sector that should not be where it is.</summary>
    public static string Describe(ReadOnlySpan<byte> sector)
    {
        var stamps = new SortedSet<string>(StringComparer.Ordinal);
        for (var at = 0; at < SectorBytes; at += StampBytes)
        {
            var stamp = sector[at..];
            var write = BinaryPrimitives.ReadInt32LittleEndian(stamp);
            var volume = BinaryPrimitives.ReadInt32LittleEndian(stamp[4..]);
            stamps.Add($"write {write} to volume {volume}, sector {BinaryPrimitives.ReadInt32LittleEndian(stamp[8..])}");
        }
        return string.Join("; ", stamps.Take(3));
    }

    private static uint Check(int write, int volume, int sector) =>
        CheckMask ^ ((uint)write * 0x9E3779B1) ^ ((uint)volume * 0x85EBCA77) ^ ((uint)sector * 0xC2B2AE3D);
}
