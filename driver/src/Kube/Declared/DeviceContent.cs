namespace CsiThin.Driver.Kube.Declared;

/// <summary>Something on a device: one of our pools, or what <see cref="Description"/> says ("an ext4 file system").</summary>
internal sealed record DeviceContent(string Description, Guid? PoolUuid = null)
{
    /// <summary>Who has the pool, beginning with the path, where somebody has; it was only looked at then.</summary>
    public string? InUse { get; init; }
}
