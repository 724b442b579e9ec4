using System.Text.Json;
using CsiThin.Core.Device.Files;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// Which pool each declaration was on this node, in a file beside the engine's journal: a pool's label has no name in it, and a disk that
/// is away must not be taken for one that never was. Entries stay until they are forgotten, also while nothing declares them.
/// <para>The file is <c>{"fast": {"uuid": "…", "device": "/dev/…"}}</c>, replaced as a whole. Immutable, as read at one moment.</para>
/// </summary>
internal sealed class RememberedPools
{
    private const string FileName = "declared-pools.json";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly IReadOnlyDictionary<string, RememberedPool> _byName;

    private RememberedPools(IReadOnlyDictionary<string, RememberedPool> byName) => _byName = byName;

    /// <summary>No declaration was a pool before.</summary>
    public static RememberedPools None { get; } = new(new Dictionary<string, RememberedPool>());

    /// <summary>There was something, and it cannot be made out: it must not be taken for nothing.</summary>
    public bool IsDamaged { get; private init; }

    /// <summary>What the declaration of this name was; null for none.</summary>
    public RememberedPool? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>
    /// Reads and changes nothing; <see cref="VolumeError.Unavailable"/> where the file is there and cannot be read.
    /// </summary>
    public static RememberedPools Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        try
        {
            return File.Exists(path) ? Parse(File.ReadAllBytes(path)) : None;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new VolumeException(
                VolumeError.Unavailable, $"which pools this node had cannot be read: {path}: {failure.Message}");
        }
    }

    /// <summary>Moves a file that cannot be made out away, for a person to look at; returns where to.</summary>
    public static string SetAside(string directory) => DurableFile.SetAside(Path.Combine(directory, FileName));

    /// <summary>
    /// Remembers the outcomes that have a pool. A pool that has got another name is the old name's no longer. Durable when it returns;
    /// <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when it cannot be.
    /// </summary>
    public static void Keep(string directory, IEnumerable<DeclaredPool> outcomes) => Change(directory, pools =>
    {
        var isChanged = false;
        foreach (var outcome in outcomes)
        {
            if (outcome is not { Uuid: { } uuid, Path: { } device })
                continue;
            var name = outcome.Declaration.Name;
            var now = new RememberedPool(uuid, device);
            isChanged |= pools.GetValueOrDefault(name) != now;
            foreach (var former in pools.Where(one => one.Value.Uuid == uuid && one.Key != name).Select(one => one.Key).ToList())
                pools.Remove(former);
            pools[name] = now;
        }

        return isChanged;
    });

    /// <summary>
    /// Forgets what the declaration of this name was, and returns it; null when it was nothing. <see cref="IOException"/> as above.
    /// </summary>
    public static RememberedPool? Forget(string directory, string name)
    {
        RememberedPool? was = null;
        Change(directory, pools => pools.Remove(name, out was));
        return was;
    }

    // Two processes may want to: the engine, and a person's command beside it.
    private static void Change(string directory, Func<Dictionary<string, RememberedPool>, bool> change)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, FileName);
        using var exclusive = new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        var now = Read(directory);
        if (now.IsDamaged)
            SetAside(directory);
        var pools = now._byName.ToDictionary();
        if (change(pools))
            DurableFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(
                pools.ToDictionary(one => one.Key, one => new Entry($"{one.Value.Uuid:N}", one.Value.Device)), Json));
    }

    private static RememberedPools Parse(byte[] content)
    {
        try
        {
            var pools = new Dictionary<string, RememberedPool>();
            var entries = JsonSerializer.Deserialize<Dictionary<string, Entry?>>(content, Json) ?? throw new JsonException();
            foreach (var (name, entry) in entries)
            {
                var isSound = Guid.TryParseExact(entry?.Uuid, "N", out var uuid) && pools.Values.All(one => one.Uuid != uuid);
                pools.Add(name, isSound ? new RememberedPool(uuid, entry!.Device ?? "") : throw new JsonException());
            }

            return new RememberedPools(pools);
        }
        catch (JsonException)
        {
            return new RememberedPools(None._byName) { IsDamaged = true };
        }
    }

    private sealed record Entry(string? Uuid, string? Device);
}
