using System.Runtime.InteropServices;
using CsiThin.Core.Device;
using CsiThin.Core.Pool;

namespace CsiThin.Core.Tests.Pool;

/// <summary>
/// What may be found after a power cut. Every sector of every volume carries the number of the write that made it (0 for zeroes); the model
/// keeps, for each, all numbers that may be there: the last durable one and those since. A flush narrows the choice to the newest.
/// </summary>
internal sealed class CrashModel
{
    public const int SectorBytes = 512;

    /// <summary>Held for each change, and by whoever takes an image of the disk and a copy of the model that must fit together.</summary>
    public object Gate { get; } = new();

    private readonly Dictionary<string, List<int>[]> _volumes = [];
    private readonly HashSet<string> _maybeGone = [];
    private readonly HashSet<string> _maybeThere = [];

    public CrashModel Copy()
    {
        lock (Gate)
        {
            var copy = new CrashModel();
            foreach (var (name, sectors) in _volumes)
                copy._volumes[name] = [.. sectors.Select(s => new List<int>(s))];
            copy._maybeGone.UnionWith(_maybeGone);
            copy._maybeThere.UnionWith(_maybeThere);
            return copy;
        }
    }

    public void BeginCreate(string name, int sectors, string? source)
    {
        lock (Gate)
        {
            _maybeThere.Add(name);
            _volumes[name] = source is null ? [.. Enumerable.Range(0, sectors).Select(_ => new List<int> { 0 })] : Newest(_volumes[source]);
        }
    }

    /// <summary>A verb was answered: it is durable, and with it everything before.</summary>
    public void EndCreate(string name)
    {
        lock (Gate)
        {
            _maybeThere.Remove(name);
            AllDurable();
        }
    }

    public void BeginDelete(string name)
    {
        lock (Gate)
            _maybeGone.Add(name);
    }

    public void EndDelete(string name)
    {
        lock (Gate)
        {
            _maybeGone.Remove(name);
            _volumes.Remove(name);
            AllDurable();
        }
    }

    /// <summary>Also before a write is issued: it may arrive without ever being answered.</summary>
    public void Write(string name, int firstSector, int sectors, int number)
    {
        lock (Gate)
        {
            for (var i = firstSector; i < firstSector + sectors; i++)
                _volumes[name][i].Add(number);
        }
    }

    /// <summary>A write that had to be durable was answered.</summary>
    public void Durable(string name, int firstSector, int sectors)
    {
        lock (Gate)
        {
            foreach (var sector in _volumes[name].AsSpan(firstSector, sectors))
                sector.RemoveRange(0, sector.Count - 1);
        }
    }

    public void AllDurable()
    {
        lock (Gate)
        {
            foreach (var sectors in _volumes.Values)
            {
                foreach (var sector in sectors.Where(s => s.Count > 1))
                    sector.RemoveRange(0, sector.Count - 1);
            }
        }
    }

    public static byte[] Payload(int sectors, int number)
    {
        var bytes = new byte[sectors * SectorBytes];
        MemoryMarshal.Cast<byte, int>(bytes.AsSpan()).Fill(number);
        return bytes;
    }

    /// <summary>Opens what the cut left, and compares. Returns a sentence for everything that must not be.</summary>
    public List<string> Verify(IDisk disk)
    {
        var wrong = new List<string>();
        using (var inspector = PoolInspector.Open(disk))
            wrong.AddRange(inspector.Check());
        if (wrong.Count > 0)
            return wrong;
        using var pool = ThinPool.Open(disk, new PoolOpenOptions());
        var found = pool.ListVolumes().ToDictionary(v => v.Name);
        wrong.AddRange(found.Keys.Where(name => !_volumes.ContainsKey(name)).Select(name => $"'{name}' is there and should not be."));
        foreach (var (name, sectors) in _volumes)
        {
            if (found.TryGetValue(name, out var volume))
                VerifyVolume(pool, volume, sectors, wrong);
            else if (!_maybeGone.Contains(name) && !_maybeThere.Contains(name))
                wrong.Add($"'{name}' is gone.");
        }
        return wrong;
    }

    private static void VerifyVolume(ThinPool pool, VolumeInfo volume, List<int>[] sectors, List<string> wrong)
    {
        using var device = pool.OpenDevice(volume.Id, readOnly: true);
        using var client = new BlockClient(device);
        var numbers = MemoryMarshal.Cast<byte, int>(client.Read(0, sectors.Length * SectorBytes).AsSpan());
        for (var i = 0; i < sectors.Length; i++)
        {
            var sector = numbers.Slice(i * SectorBytes / 4, SectorBytes / 4);
            if (sector.ContainsAnyExcept(sector[0]))
                wrong.Add($"Sector {i} of '{volume.Name}' is of two writes.");
            else if (!sectors[i].Contains(sector[0]))
                wrong.Add($"Sector {i} of '{volume.Name}' is of write {sector[0]}, and may be of {string.Join(", ", sectors[i])}.");
        }
    }

    private static List<int>[] Newest(List<int>[] sectors) => [.. sectors.Select(s => new List<int> { s[^1] })];
}
