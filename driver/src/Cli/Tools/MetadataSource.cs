using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tools;
using CsiThin.Driver.Control;
using CsiThin.Driver.Volumes;
using Grpc.Core;

namespace CsiThin.Driver.Cli.Tools;

/// <summary>A volume or snapshot of a pool of ours, as far as a tool's output names it.</summary>
internal sealed record NamedThin(ThinId ThinId, string Id, string Name, VolumeKind Kind);

/// <summary>
/// Metadata opened for a tool: the region of a pool that nobody has open, the region of a pool that is served, held still by its engine, or
/// any dm-thin metadata. Used by one thread.
/// </summary>
internal sealed class MetadataSource : IDisposable
{
    private readonly Stack<IDisposable> _parts = new();
    private readonly Lazy<IReadOnlyDictionary<ThinId, NamedThin>> _names;
    private HeldMetadata? _held;

    private MetadataSource(string path, IDisk disk, MetadataState state, Func<IEnumerable<NamedThin>> names)
    {
        Path = path;
        Disk = disk;
        State = state;
        _names = new(() => names().ToDictionary(name => name.ThinId));
    }

    /// <summary>What the user calls it.</summary>
    public string Path { get; }

    /// <summary>The metadata and nothing else.</summary>
    public IDisk Disk { get; }

    /// <summary>Which state of it holds still.</summary>
    public MetadataState State { get; }

    /// <summary>The pool of ours it belongs to, if nobody serves it; else null.</summary>
    public PoolInspector? Pool { get; private init; }

    /// <summary>It belongs to a pool that is being served.</summary>
    public bool IsLive => _held is not null;

    /// <summary>
    /// The volumes and snapshots of a pool of ours; none for other metadata. Throws <see cref="PoolException"/> when the catalog cannot be
    /// read.
    /// </summary>
    public IReadOnlyDictionary<ThinId, NamedThin> Names => _names.Value;

    /// <summary>
    /// Opens what <paramref name="target"/> means for reading. <see cref="CliException"/> when it is in use and no engine gives access.
    /// </summary>
    public static async Task<MetadataSource> OpenAsync(MetadataTarget target, CancellationToken cancellation)
    {
        if (target.MetadataPath is { } path)
            return OpenPlain(path, new FileDiskOptions { ReadOnly = true, Observe = target.UsesSnapshot });
        try
        {
            return OfPool(target.Path, PoolInspector.Open(target.Path));
        }
        catch (PoolException busy) when (busy.Error == PoolError.Busy && target.ControlPath is not null)
        {
            return await OpenLiveAsync(target, busy, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Opens what <paramref name="target"/> means for this process alone, so that it can be changed. <see cref="CliException"/> when it is
    /// in use, saying that <paramref name="verb"/> needs it free.
    /// </summary>
    public static MetadataSource OpenForWriting(MetadataTarget target, string verb)
    {
        if (target.MetadataPath is { } path)
            return OpenPlain(path, new FileDiskOptions());
        try
        {
            return OfPool(target.Path, PoolInspector.OpenForRepair(target.Path));
        }
        catch (PoolException busy) when (busy.Error == PoolError.Busy)
        {
            throw new CliException($"{verb} changes the metadata, so nobody may serve the pool meanwhile: {busy.Message}");
        }
    }

    /// <summary>The thin device that a number, or on a pool of ours a name or handle, means.</summary>
    public ThinId FindThin(string text)
    {
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number <= ThinId.MaxValue
                ? new ThinId(number)
                : throw new CliException($"a thin id is at most {ThinId.MaxValue}, and {number} is above");
        var matches = Names.Values.Where(name => name.Id == text || name.Name == text).ToList();
        return matches switch
        {
            [var only] => only.ThinId,
            [] => throw new CliException($"{Path} has no volume or snapshot {NameRules.Quote(text)}"),
            _ => throw new CliException(
                $"{NameRules.Quote(text)} is the name of a volume and of a snapshot; give the handle: " +
                string.Join(" or ", matches.Select(match => match.Id))),
        };
    }

    /// <summary>
    /// Runs a tool on it. What fails in the metadata or on the disk is told with the path; what was read of a pool that is served counts
    /// only if its engine held it to the end.
    /// </summary>
    public T Read<T>(Func<IDisk, T> tool)
    {
        try
        {
            var result = tool(Disk);
            _held?.EnsureHeld();
            return result;
        }
        catch (MetadataException failure)
        {
            throw new CliException($"{Path}: {failure.Message}");
        }
        catch (RpcException failure)
        {
            throw new CliException($"{Path}: {failure.Status.Detail}");
        }
    }

    /// <summary>The same for a tool without a result.</summary>
    public void Read(Action<IDisk> tool) => Read(disk =>
    {
        tool(disk);
        return true;
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_parts.TryPop(out var part))
            part.Dispose();
    }

    private static MetadataSource OpenPlain(string path, FileDiskOptions options)
    {
        var disk = FileDisk.Open(path, options);
        var state = options.Observe ? MetadataState.Held : MetadataState.Committed;
        return new MetadataSource(path, disk, state, static () => []).Owning(disk);
    }

    private static MetadataSource OfPool(string path, PoolInspector pool) =>
        new MetadataSource(path, pool.Metadata, MetadataState.Committed, () => pool.Volumes.Select(Name)) { Pool = pool }.Owning(pool);

    private static async Task<MetadataSource> OpenLiveAsync(MetadataTarget target, PoolException busy, CancellationToken cancellation)
    {
        var pool = PoolInspector.Observe(target.Path);
        ControlClient? engine = null;
        try
        {
            engine = new ControlClient(target.ControlPath!);
            var held = await engine.HoldMetadataSnapshotAsync(pool.Uuid, cancellation).ConfigureAwait(false);
            var source = new MetadataSource(
                target.Path, pool.Metadata, MetadataState.Held, () => held.Volumes.Values.Select(Name))
            { _held = held };
            return source.Owning(pool).Owning(engine).Owning(held);
        }
        catch (Exception failure)
        {
            engine?.Dispose();
            pool.Dispose();
            if (failure is RpcException refused)
                throw LiveRefusal(target, busy.Message, refused);
            throw;
        }
    }

    /// <summary>Why a pool that is in use cannot be reached through its engine.</summary>
    internal static CliException LiveRefusal(MetadataTarget target, string busy, RpcException refused) => refused.StatusCode switch
    {
        StatusCode.Unavailable => new CliException($"{busy}; no engine that could give access answers on unix://{target.ControlPath}"),
        StatusCode.NotFound => new CliException($"{busy}; the engine on unix://{target.ControlPath} is another: {refused.Status.Detail}"),
        _ => new CliException($"{target.Path}: {refused.Status.Detail}"),
    };

    private static NamedThin Name(VolumeUsage usage) =>
        new(usage.Volume.ThinId, usage.Volume.Id.ToString(), usage.Volume.Name, usage.Volume.Kind);

    private static NamedThin Name(V1.Volume volume) => new(
        new ThinId(volume.ThinId), volume.Id, volume.Name, volume.IsSnapshot ? VolumeKind.Snapshot : VolumeKind.Volume);

    private MetadataSource Owning(IDisposable part)
    {
        _parts.Push(part);
        return this;
    }
}
