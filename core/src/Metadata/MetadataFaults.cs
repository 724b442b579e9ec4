namespace CsiThin.Core.Metadata;

/// <summary>
/// Mistakes that the power-cut tests put in on purpose, each of which breaks what crash safety rests on; a harness that does not catch them
/// would not catch them in earnest. No production code sets one.
/// </summary>
[Flags]
internal enum MetadataFaults
{
    /// <summary>As it should be.</summary>
    None = 0,

    /// <summary>What the last commit reaches is changed where it is: <see cref="TransactionManager.Shadow"/> makes no copy.</summary>
    ChangeInPlace = 1,

    /// <summary>A data block freed in this transaction is handed out in it: <see cref="SpaceMap"/> asks the new map only.</summary>
    ReuseDataEarly = 2,

    /// <summary>The same for metadata blocks.</summary>
    ReuseMetadataEarly = 4,
}
