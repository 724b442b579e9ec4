
namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>What can be made wrong on purpose, each at a named place, to see that the cuts find it.</summary>
public enum CutFault
{
    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>No barrier does anything.</summary>
    DropEveryBarrier,

    /// <summary>The barrier between the metadata blocks and the superblock does nothing.</summary>
    DropBarrierBeforeSuperblock,

    /// <summary>The barrier behind the superblock does nothing.</summary>
    DropBarrierAfterSuperblock,

    /// <summary>A flush with nothing to commit does nothing.</summary>
    DropBarrierOfData,

    /// <summary>The two steps of a commit in the wrong order: superblock and barrier, then metadata blocks and barrier.</summary>
    SwapCommitSteps,

    /// <summary>Catalog records reach the disk behind the superblock that makes them true.</summary>
    CatalogAfterSuperblock,

    /// <summary>Data reaches the disk behind the superblock that maps it (the kernel's mistake until its commit 694cfe7f31db).</summary>
    DataAfterSuperblock,

    /// <summary>A metadata block that the last commit reaches is changed in place.</summary>
    ForgetToShadow,

    /// <summary>A data block is given out again before the commit that frees it.</summary>
    ReuseDataBlockEarly,

    /// <summary>A metadata block is given out again before the commit that frees it.</summary>
    ReuseMetadataBlockEarly,
}
