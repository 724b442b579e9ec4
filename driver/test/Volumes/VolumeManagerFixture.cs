using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Volumes;

/// <summary>A manager over two fake pools, with short forms of the verbs.</summary>
internal sealed class VolumeManagerFixture
{
    public VolumeManagerFixture(TimeSpan? lockWait = null)
    {
        Fast.DataBlocksUsed = 100;
        var pools = new EnginePools([new NamedEnginePool("fast", Fast), new NamedEnginePool("big", Big)]);
        Volumes = new VolumeManager(pools, lockWait ?? VolumeManager.DefaultLockWait);
    }

    public FakePool Fast { get; } = new();

    public FakePool Big { get; } = new() { DataBlocksTotal = 1 << 20 };

    public VolumeManager Volumes { get; }

    public Task<VolumeInfo> Create(string name, long requiredBytes = 0, long limitBytes = 0, VolumeInfo? source = null, string? pool = null)
    {
        var parameters = new Dictionary<string, string>();
        if (pool is not null)
            parameters.Add(ParameterRules.Pool, pool);
        return Volumes.CreateAsync(
            new VolumeRequest
            {
                Name = name,
                RequiredBytes = requiredBytes,
                LimitBytes = limitBytes,
                SourceHandle = source?.Id.ToString(),
                SourceKind = source?.Kind,
                Parameters = parameters,
            },
            CancellationToken.None);
    }

    public Task<(NamedPool Pool, VolumeUsage Usage)> Find(VolumeKind kind, VolumeInfo volume) =>
        Volumes.FindAsync(kind, volume.Id.ToString(), CancellationToken.None);

    public async Task<VolumePage> List(VolumeKind kind, int maxEntries, string token) =>
        await VolumeListing.ListAsync(await Pools(), kind, maxEntries, token, null, CancellationToken.None);

    public async Task<Capacity> CapacityOf(IReadOnlyDictionary<string, string> parameters) =>
        await Capacity.OfAsync(await Pools(), parameters, CancellationToken.None);

    public Task<VolumeInfo> Snapshot(string name, VolumeInfo source) =>
        Volumes.SnapshotAsync(new SnapshotRequest { Name = name, SourceHandle = source.Id.ToString() }, CancellationToken.None);

    public Task Delete(VolumeInfo volume) => Volumes.DeleteAsync(volume.Kind, volume.Id.ToString(), CancellationToken.None);

    public Task<VolumeInfo> Expand(VolumeInfo volume, long requiredBytes, long limitBytes = 0) =>
        Volumes.ExpandAsync(volume.Id.ToString(), requiredBytes, limitBytes, CancellationToken.None);

    private Task<PoolSet> Pools() => Volumes.Pools.GetPoolsAsync(CancellationToken.None);

    /// <summary>The refusal that the verb must end with; returns its message.</summary>
    public static async Task<string> Refused(VolumeError error, Func<Task> verb)
    {
        var refusal = await Assert.ThrowsAsync<VolumeException>(verb);
        Assert.Equal(error, refusal.Error);
        return refusal.Message;
    }
}
