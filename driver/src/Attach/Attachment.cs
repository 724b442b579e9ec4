using CsiThin.Core.Pool;

namespace CsiThin.Driver.Attach;

/// <summary>What must outlive the process about a volume that is, or is about to be, a device of the kernel.</summary>
/// <param name="Volume">Whose content it shows.</param>
/// <param name="ReadOnly">As it was asked for.</param>
/// <param name="BlockBytes">The logical block size.</param>
internal sealed record Attachment(VolumeId Volume, bool ReadOnly, int BlockBytes);
