using System.Globalization;
using CsiThin.Core.Device;

namespace CsiThin.Core.Pool.Layout;

/// <summary>
/// The three copies of the label on a disk. Invariant: at any moment at least two copies are valid, because they are written one after the
/// other with a barrier between; so a power cut leaves the old generation or the new one, never none.
/// </summary>
internal static class LabelStore
{
    /// <summary>
    /// Finds the label. The last copy counts only when neither of the first two is valid: a disk that was cut and grown again may show
    /// another pool's there. One of the first two may be unreadable. Errors: NotAPool (no copy at all), Corrupt (damaged, of two pools, or
    /// a disk shorter than the label says), Unsupported.
    /// </summary>
    /// <exception cref="DiskException">Neither of the first two copies can be used, and one cannot be read.</exception>
    public static PoolLabel Find(IDisk disk)
    {
        using var block = new AlignedBuffer(PoolLayout.LabelBytes);
        var places = Places(disk.LengthBytes);
        var damaged = false;
        var found = new PoolLabel?[places.Length];
        DiskException? unreadable = null;
        for (var i = 0; i < places.Length; i++)
        {
            try
            {
                disk.Read(places[i], block.Span);
            }
            catch (DiskException e) when (unreadable is null)
            {
                unreadable = e;
                continue;
            }
            found[i] = PoolLabel.Read(block.Span);
            damaged |= found[i] is null && PoolLabel.HasMagic(block.Span);
        }
        if (unreadable is not null && found[0] is null && found[1] is null)
            throw unreadable;
        var label = Choose(found) ?? throw (damaged
            ? new PoolException(PoolError.Corrupt, "The disk has labels of a CsiThin pool, but none with a valid checksum.")
            : new PoolException(PoolError.NotAPool, "The disk holds no CsiThin pool: none of the three places has a label."));
        CheckLength(label, disk.LengthBytes);
        return label;
    }

    private static PoolLabel? Choose(ReadOnlySpan<PoolLabel?> found)
    {
        if (found.Length < 3)
            return null;
        var (first, second) = (found[0], found[1]);
        if (first is null || second is null)
            return first ?? second ?? found[2];
        if (first.Uuid != second.Uuid)
            throw new PoolException(PoolError.Corrupt,
                $"The disk carries labels of two pools, {first.Uuid:N} and {second.Uuid:N}: it is not clear which one owns it.");
        return second.Generation > first.Generation ? second : first;
    }

    /// <summary>Whether any place holds a label of ours, valid or not.</summary>
    public static bool AnyMagic(IDisk disk)
    {
        using var block = new AlignedBuffer(PoolLayout.LabelBytes);
        foreach (var offset in Places(disk.LengthBytes))
        {
            disk.Read(offset, block.Span);
            if (PoolLabel.HasMagic(block.Span))
                return true;
        }
        return false;
    }

    /// <summary>Writes the last copy first: when the disk has grown, that place was not a label before.</summary>
    public static void Write(IDisk disk, PoolLabel label)
    {
        using var block = new AlignedBuffer(PoolLayout.LabelBytes);
        label.WriteTo(block.Span);
        foreach (var offset in Places(label.DiskBytes).AsEnumerable().Reverse())
        {
            disk.Write(offset, block.Span);
            disk.Barrier();
        }
    }

    /// <summary>Removes every copy.</summary>
    public static void Erase(IDisk disk)
    {
        using var zeroes = new AlignedBuffer(PoolLayout.LabelBytes);
        foreach (var offset in Places(disk.LengthBytes))
            disk.Write(offset, zeroes.Span);
        disk.Barrier();
    }

    private static long[] Places(long diskBytes) =>
        diskBytes >= 3L * PoolLayout.LabelBytes ? [0, PoolLayout.LabelBytes, PoolLayout.LastLabelOffsetBytes(diskBytes)] : [];

    private static void CheckLength(PoolLabel label, long diskBytes)
    {
        if (diskBytes < label.DiskBytes)
            throw new PoolException(PoolError.Corrupt, string.Create(CultureInfo.InvariantCulture,
                $"The disk has been cut short: pool {label.Uuid:N} was laid out on {label.DiskBytes} bytes, and there are {diskBytes}."));
    }
}
