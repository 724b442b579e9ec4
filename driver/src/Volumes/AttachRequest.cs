namespace CsiThin.Driver.Volumes;

/// <summary>How a volume is to become a block device.</summary>
/// <param name="ReadOnly">Writes are refused, by the kernel and by the engine.</param>
/// <param name="BlockBytes">The logical block size the kernel shows, 512 or 4096; the volume's size must be a multiple of it.</param>
internal sealed record AttachRequest(bool ReadOnly, int BlockBytes = AttachRequest.DefaultBlockBytes)
{
    /// <summary>What every file system takes, whatever its own block size.</summary>
    public const int DefaultBlockBytes = 512;
}
