using System.Globalization;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Attach;

/// <summary>What may become a device, and what is the same device.</summary>
internal static class AttachRules
{
    /// <summary>The logical block sizes that file systems and programs expect of a disk.</summary>
    private static readonly int[] BlockSizes = [512, 4096];

    /// <summary>
    /// Throws <see cref="VolumeError.InvalidArgument"/> for a block size that no disk has, or that the volume's size does not fit.
    /// </summary>
    public static void Check(VolumeInfo volume, Attachment wanted)
    {
        var what = Describe.Thing(volume.Kind, volume.Name);
        if (!BlockSizes.Contains(wanted.BlockBytes))
            throw new VolumeException(VolumeError.InvalidArgument, string.Create(
                CultureInfo.InvariantCulture, $"{what} cannot have a block size of {wanted.BlockBytes} bytes; 512 and 4096 are possible"));
        if (volume.SizeBytes % wanted.BlockBytes != 0)
            throw new VolumeException(VolumeError.InvalidArgument, string.Create(
                CultureInfo.InvariantCulture,
                $"{what} has {volume.SizeBytes} bytes, which is no multiple of the block size of {wanted.BlockBytes} asked for"));
    }

    /// <summary>Throws <see cref="VolumeError.Incompatible"/> when what is attached differs from what is asked for.</summary>
    public static void CheckSame(VolumeInfo volume, Attachment existing, Attachment wanted)
    {
        if (existing == wanted)
            return;
        var difference = existing.ReadOnly != wanted.ReadOnly
            ? $"{Mode(existing)}, not {Mode(wanted)}"
            : string.Create(CultureInfo.InvariantCulture, $"with blocks of {existing.BlockBytes} bytes, not of {wanted.BlockBytes}");
        throw new VolumeException(
            VolumeError.Incompatible,
            $"{Describe.Thing(volume.Kind, volume.Name)} is attached {difference}; detach it first");
    }

    private static string Mode(Attachment attachment) => attachment.ReadOnly ? "read-only" : "for writing";
}
