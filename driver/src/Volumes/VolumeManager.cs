using CsiThin.Core.Pool;

namespace CsiThin.Driver.Volumes;

/// <summary>
/// The verbs, each idempotent as CSI wants it: asking again for what is already so succeeds and changes nothing.
/// <list type="number">
/// <item>A name means one volume (or one snapshot) among all pools of the engine.</item>
/// <item>Calls for one name go one after the other; the second finds what the first has made. So do calls for one handle.</item>
/// <item>What exists and differs from what is asked for is an error that names the difference, never changed.</item>
/// <item>A source that is gone is no error when the volume made from it exists.</item>
/// </list>
/// <para>Concurrency: any number of calls at once; <c>_locks</c> orders those that meet, the pool guards itself.</para>
/// </summary>
internal sealed class VolumeManager(IPoolSource pools, TimeSpan lockWait)
{
    /// <summary>How long a call waits for another one with the same name before it is told to come again.</summary>
    public static readonly TimeSpan DefaultLockWait = TimeSpan.FromSeconds(20);

    private readonly KeyedLock _locks = new();

    /// <summary>The pools served.</summary>
    public IPoolSource Pools { get; } = pools;

    /// <summary>The volume of that name: the one that is there and satisfies the request, or a new one.</summary>
    public async Task<VolumeInfo> CreateAsync(VolumeRequest request, CancellationToken cancellation)
    {
        NameRules.Check("volume", request.Name);
        var what = Describe.Thing(VolumeKind.Volume, request.Name);
        ParameterRules.CheckVolume(what, request.Parameters);
        SizeRules.CheckRange(what, request.RequiredBytes, request.LimitBytes);
        using var held = await HoldAsync($"volume/{request.Name}", what, cancellation).ConfigureAwait(false);
        var pools = await Pools.GetPoolsAsync(cancellation).ConfigureAwait(false);
        return await FindOrMakeAsync(
            () => FindAskedAsync(pools, what, request, cancellation),
            () => CreateNewAsync(pools, what, request, cancellation)).ConfigureAwait(false);
    }

    /// <summary>The snapshot of that name and source: the one that is there, or a new one.</summary>
    public async Task<VolumeInfo> SnapshotAsync(SnapshotRequest request, CancellationToken cancellation)
    {
        NameRules.Check("snapshot", request.Name);
        var what = Describe.Thing(VolumeKind.Snapshot, request.Name);
        ParameterRules.CheckSnapshot(what, request.Parameters);
        using var held = await HoldAsync($"snapshot/{request.Name}", what, cancellation).ConfigureAwait(false);
        var pools = await Pools.GetPoolsAsync(cancellation).ConfigureAwait(false);
        return await FindOrMakeAsync(
            () => FindAskedAsync(pools, what, request, cancellation),
            () => SnapshotNewAsync(pools, request, cancellation)).ConfigureAwait(false);
    }

    /// <summary>Deletes; what is not there is deleted already. Snapshots and clones of a deleted volume live on.</summary>
    public async Task DeleteAsync(VolumeKind kind, string handle, CancellationToken cancellation)
    {
        if (!VolumeId.TryParse(handle, out var id))
            return; // No handle of ours reads so, hence there is no such volume.
        var pools = await Pools.GetPoolsAsync(cancellation).ConfigureAwait(false);
        if (!pools.TryFind(id.Pool, out var pool))
            throw new VolumeException(
                VolumeError.PoolAbsent, $"{Describe.Thing(kind, handle)} cannot be deleted: its pool {id.Pool:N} is not open here");
        using var held = await HoldAsync($"handle/{handle}", NameRules.Quote(handle), cancellation).ConfigureAwait(false);
        if (await pool.Pool.FindVolumeAsync(id, cancellation).ConfigureAwait(false) is not { } usage)
            return;
        CheckKind(kind, handle, usage.Volume);
        try
        {
            await pool.Pool.DeleteAsync(id, cancellation).ConfigureAwait(false);
        }
        catch (PoolException gone) when (gone.Error == PoolError.NotFound)
        {
            // Somebody on the engine's side was faster; it is gone, as was asked.
        }
    }

    /// <summary>Grows a volume to what is required; one that is large enough stays as it is.</summary>
    public async Task<VolumeInfo> ExpandAsync(string handle, long requiredBytes, long limitBytes, CancellationToken cancellation)
    {
        using var held = await HoldAsync($"handle/{handle}", NameRules.Quote(handle), cancellation).ConfigureAwait(false);
        var (pool, usage) = await FindAsync(VolumeKind.Volume, handle, cancellation).ConfigureAwait(false);
        var volume = usage.Volume;
        var sizeBytes = SizeRules.ForExpand(Describe.Thing(VolumeKind.Volume, volume.Name), requiredBytes, limitBytes, volume.SizeBytes);
        return sizeBytes == volume.SizeBytes
            ? volume
            : await pool.Pool.ResizeAsync(volume.Id, sizeBytes, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Changes what may change on a living volume (<see cref="ParameterRules.CheckMutable"/>); what is so already stays as it is.
    /// </summary>
    public async Task<VolumeInfo> ModifyAsync(
        string handle, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellation)
    {
        ParameterRules.CheckMutable(Describe.Thing(VolumeKind.Volume, handle), parameters);
        using var held = await HoldAsync($"handle/{handle}", NameRules.Quote(handle), cancellation).ConfigureAwait(false);
        var (pool, usage) = await FindAsync(VolumeKind.Volume, handle, cancellation).ConfigureAwait(false);
        return ParameterRules.Lacks(usage.Volume.Parameters, parameters) is null
            ? usage.Volume
            : await pool.Pool.ModifyAsync(usage.Volume.Id, parameters, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// The volume or snapshot of a handle with its pool; <see cref="VolumeError.NotFound"/> when there is none of that kind.
    /// </summary>
    public async Task<(NamedPool Pool, VolumeUsage Usage)> FindAsync(VolumeKind? kind, string handle, CancellationToken cancellation)
    {
        var pools = await Pools.GetPoolsAsync(cancellation).ConfigureAwait(false);
        return await FindAsync(pools, kind, handle, cancellation).ConfigureAwait(false);
    }

    private static async Task<(NamedPool Pool, VolumeUsage Usage)> FindAsync(
        PoolSet pools, VolumeKind? kind, string handle, CancellationToken cancellation)
    {
        var what = Describe.Thing(kind ?? VolumeKind.Volume, handle);
        if (!VolumeId.TryParse(handle, out var id))
            throw new VolumeException(VolumeError.NotFound, $"{what} does not exist: no handle reads so");
        if (!pools.TryFind(id.Pool, out var pool))
            throw new VolumeException(VolumeError.NotFound, $"{what} does not exist here: its pool {id.Pool:N} is not open");
        if (await pool.Pool.FindVolumeAsync(id, cancellation).ConfigureAwait(false) is not { } usage)
            throw new VolumeException(VolumeError.NotFound, $"{what} does not exist in pool {NameRules.Quote(pool.Name)}");
        if (kind is { } wanted && usage.Volume.Kind != wanted)
            throw new VolumeException(
                VolumeError.NotFound, $"{what} does not exist: the handle is of a {Describe.Kind(usage.Volume.Kind)}");
        return (pool, usage);
    }

    private static async Task<VolumeInfo> FindOrMakeAsync(Func<Task<VolumeInfo?>> find, Func<Task<VolumeInfo>> make)
    {
        if (await find().ConfigureAwait(false) is { } existing)
            return existing;
        try
        {
            return await make().ConfigureAwait(false);
        }
        catch (PoolException raced) when (raced.Error == PoolError.Exists)
        {
            // Another process, or a call of ours that was given up while the engine was at work, has made it meanwhile.
            if (await find().ConfigureAwait(false) is { } made)
                return made;
            throw;
        }
    }

    private static async Task<VolumeInfo?> FindAskedAsync(
        PoolSet pools, string what, VolumeRequest request, CancellationToken cancellation)
    {
        if (await pools.FindByNameAsync(VolumeKind.Volume, request.Name, cancellation).ConfigureAwait(false) is not var (pool, existing))
            return null;
        return Compare.Differs(request, pool, existing) is { } difference ? throw Exists(what, difference) : existing;
    }

    private static async Task<VolumeInfo?> FindAskedAsync(
        PoolSet pools, string what, SnapshotRequest request, CancellationToken cancellation)
    {
        if (await pools.FindByNameAsync(VolumeKind.Snapshot, request.Name, cancellation).ConfigureAwait(false) is not var (_, existing))
            return null;
        return Compare.Differs(request, existing) is { } difference ? throw Exists(what, difference) : existing;
    }

    private static async Task<VolumeInfo> CreateNewAsync(
        PoolSet pools, string what, VolumeRequest request, CancellationToken cancellation)
    {
        var asked = request.Parameters.TryGetValue(ParameterRules.Pool, out var name) ? pools.ByName(what, name) : null;
        VolumeInfo? source = null;
        if (request.SourceHandle is { } handle)
        {
            CheckSourceIsHere(pools, what, handle);
            var (home, usage) = await FindAsync(pools, request.SourceKind, handle, cancellation).ConfigureAwait(false);
            source = usage.Volume;
            if (asked is not null && asked != home)
                throw new VolumeException(
                    VolumeError.InvalidArgument,
                    $"{what}: its source is in pool {NameRules.Quote(home.Name)}, not in the pool {NameRules.Quote(asked.Name)} asked for");
            asked = home;
        }

        var sizeBytes = SizeRules.ForNew(what, request.RequiredBytes, request.LimitBytes, source?.SizeBytes ?? 0);
        var pool = asked ?? await pools.WithMostSpaceAsync(what, cancellation).ConfigureAwait(false);
        var spec = new VolumeSpec { Name = request.Name, SizeBytes = sizeBytes, Source = source?.Id, Parameters = request.Parameters };
        return await pool.Pool.CreateAsync(spec, cancellation).ConfigureAwait(false);
    }

    private static async Task<VolumeInfo> SnapshotNewAsync(PoolSet pools, SnapshotRequest request, CancellationToken cancellation)
    {
        var (pool, source) = await FindAsync(pools, VolumeKind.Volume, request.SourceHandle, cancellation).ConfigureAwait(false);
        var spec = new VolumeSpec
        {
            Name = request.Name,
            Kind = VolumeKind.Snapshot,
            Source = source.Volume.Id,
            Parameters = request.Parameters,
        };
        return await pool.Pool.CreateAsync(spec, cancellation).ConfigureAwait(false);
    }

    private async Task<IDisposable> HoldAsync(string key, string what, CancellationToken cancellation) =>
        await _locks.AcquireAsync(key, lockWait, cancellation).ConfigureAwait(false)
        ?? throw new VolumeException(
            VolumeError.Aborted, $"another call for {what} has been at work for {lockWait.TotalSeconds:0.#} s; try again");

    // The provisioner then tries another node, where the source may be (CSI, CreateVolume errors: "Unable to provision in
    // accessible_topology"); NOT_FOUND would end its trying.
    private static void CheckSourceIsHere(PoolSet pools, string what, string handle)
    {
        if (VolumeId.TryParse(handle, out var id) && !pools.TryFind(id.Pool, out _))
            throw new VolumeException(
                VolumeError.NoPool,
                $"{what} cannot be made here: its source {NameRules.Quote(handle)} is in pool {id.Pool:N}, which is not here");
    }

    private static void CheckKind(VolumeKind kind, string handle, VolumeInfo volume)
    {
        if (volume.Kind != kind)
            throw new VolumeException(
                VolumeError.InvalidArgument,
                $"{NameRules.Quote(handle)} is the handle of a {Describe.Kind(volume.Kind)}, not of a {Describe.Kind(kind)}");
    }

    private static VolumeException Exists(string what, string difference) => new(VolumeError.Exists, $"{what} exists, but {difference}");
}
