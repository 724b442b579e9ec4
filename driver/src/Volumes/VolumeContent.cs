namespace CsiThin.Driver.Volumes;

/// <summary>What a format decision may know of a volume. There is no "unknown": a read that fails is an exception.</summary>
internal enum VolumeContent
{
    /// <summary>No block of it is mapped: nobody ever wrote, or all was discarded.</summary>
    Unwritten,

    /// <summary>Blocks are mapped, but where file systems keep what makes them one (first and last MiB) all is read, and zero.</summary>
    Blank,

    /// <summary>Something is there: never to be formatted.</summary>
    HoldsData,
}
