using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>A volume or snapshot as a block device of this node's kernel.</summary>
/// <param name="Volume">Whose content it shows.</param>
/// <param name="Path">The device node, such as <c>/dev/nbd3</c>.</param>
/// <param name="Major">The kernel's major number, as in mountinfo.</param>
/// <param name="Minor">The kernel's minor number, as in mountinfo.</param>
/// <param name="ReadOnly">The kernel refuses writes.</param>
/// <param name="SizeBytes">The size as the kernel has it.</param>
/// <param name="BlockBytes">The logical block size.</param>
internal sealed record AttachedDevice(
    VolumeId Volume, string Path, uint Major, uint Minor, bool ReadOnly, long SizeBytes, int BlockBytes);
