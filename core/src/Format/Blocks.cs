namespace CsiThin.Core.Format;

/// <summary>The number of a 4096-byte block in the metadata region, counted from its start. Block 0 is the superblock.</summary>
public readonly record struct MetaBlock(ulong Value)
{
    /// <summary>Where the superblock lives (<c>THIN_SUPERBLOCK_LOCATION</c>).</summary>
    public static readonly MetaBlock Superblock = new(0);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>The number of a data block of the pool (64 KiB or more each), counted from the start of the data region.</summary>
public readonly record struct DataBlock(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>The number of a block of one thin device, in units of the pool's data block size, counted from the device's start.</summary>
public readonly record struct VirtualBlock(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>The id of a thin device within its pool. dm-thin keeps it in 24 bits (<c>MAX_DEV_ID</c>, drivers/md/dm-thin.c).</summary>
public readonly record struct ThinId(uint Value)
{
    /// <summary>The highest id the kernel accepts.</summary>
    public const uint MaxValue = (1 << 24) - 1;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
