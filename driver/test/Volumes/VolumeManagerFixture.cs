using CsiThin.Core.Pool;
using CsiThin.Driver.Control;
using CsiThin.Driver.Tests.Control;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Volumes;

/// <summary>Where the pools of a test are.</summary>
public enum EnginePlace
{
    /// <summary>In this process.</summary>
    Here,

    /// <summary>Behind the engine's API, on a socket.</summary>
    Remote,
}

/// <summary>A manager over two fake pools, with short forms of the verbs.</summary>
internal sealed class VolumeManagerFixture : IDisposable
{
    private readonly RemoteEngine? _engine;

    public VolumeManagerFixture(EnginePlace place = EnginePlace.Here, TimeSpan? lockWait = null)
    {
        Fast.DataBlocksUsed = 100;
        Pools = new EnginePools([new NamedEnginePool("fast", Fast), new NamedEnginePool("big", Big)]);
        _engine = place == EnginePlace.Remote ? new RemoteEngine(new EngineOffer(Pools), RemoteEngine.Short) : null;
        Volumes = new VolumeManager(_engine is null ? Pools : _engine.Pools, lockWait ?? VolumeManager.DefaultLockWait);
    }

    public EnginePools Pools { get; }

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
        await VolumeListing.ListAsync(await PoolSet(), kind, maxEntries, token, null, CancellationToken.None);

    public async Task<Capacity> CapacityOf(IReadOnlyDictionary<string, string> parameters) =>
        await Capacity.OfAsync(await PoolSet(), parameters, CancellationToken.None);

    public Task<VolumeInfo> Snapshot(string name, VolumeInfo source) =>
        Volumes.SnapshotAsync(new SnapshotRequest { Name = name, SourceHandle = source.Id.ToString() }, CancellationToken.None);

    public Task Delete(VolumeInfo volume) => Volumes.DeleteAsync(volume.Kind, volume.Id.ToString(), CancellationToken.None);

    public Task<VolumeInfo> Expand(VolumeInfo volume, long requiredBytes, long limitBytes = 0) =>
        Volumes.ExpandAsync(volume.Id.ToString(), requiredBytes, limitBytes, CancellationToken.None);

    public void Dispose() => _engine?.Dispose();

    private Task<PoolSet> PoolSet() => Volumes.Pools.GetPoolsAsync(CancellationToken.None);

    /// <summary>Equal in everything; records compare dictionaries by reference.</summary>
    public static void AssertSame(VolumeInfo expected, VolumeInfo actual)
    {
        Assert.Equal(expected.Parameters, actual.Parameters);
        Assert.Equal(expected, actual with { Parameters = expected.Parameters });
    }

    /// <summary>The refusal that the verb must end with; returns its message.</summary>
    public static async Task<string> Refused(VolumeError error, Func<Task> verb)
    {
        var refusal = await Assert.ThrowsAsync<VolumeException>(verb);
        Assert.Equal(error, refusal.Error);
        return refusal.Message;
    }
}
