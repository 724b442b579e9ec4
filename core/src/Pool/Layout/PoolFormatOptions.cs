namespace CsiThin.Core.Pool.Layout;

/// <summary>How <see cref="ThinPool.Format"/> lays a pool out.</summary>
public sealed record PoolFormatOptions
{
    /// <summary>Bytes of a data block: 64 KiB to 1 GiB, a multiple of 64 KiB.</summary>
    public long DataBlockBytes { get; init; } = 64 << 10;

    /// <summary>For a file: make or extend it (sparse) to this many bytes. Null: take the file or device as it is.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Format although the device holds data. Never overrides "in use".</summary>
    public bool Force { get; init; }
}
