using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Support;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>
/// Opens what a cut has left with the real engine, checks it, reads it, and compares it with what the model says may be there. Collects a
/// sentence for everything that must not be.
/// </summary>
internal sealed class CutVerifier(MemoryDisk image, CutModel model, PoolOpenOptions options)
{
    private const int BlockSectors = (int)(CutScene.BlockBytes / Payload.SectorBytes);

    /// <summary>Above this a volume is read only where something may be, and here and there.</summary>
    private const int WholeReadSectorsMax = 64 * BlockSectors;

    private const int WrongMax = 10;

    private readonly List<string> _wrong = [];
    private readonly List<CutVolume> _found = [];

    public IReadOnlyList<string> Wrong => _wrong;

    /// <summary>Volumes that were being deleted when the power failed.</summary>
    public int Dying { get; private set; }

    /// <summary>What was found, for certain: a second life begins with it.</summary>
    public CutModel Settled => CutModel.Of(_found);

    /// <summary>
    /// Checks, opens, compares; with <paramref name="recovers"/> also lets the pool finish what it was doing, and checks again. Whatever it
    /// writes goes to a copy.
    /// </summary>
    public CutVerifier Run(bool recovers)
    {
        var disk = image.Copy();
        try
        {
            Check(disk, "after the cut");
            if (_wrong.Count > 0)
                return this;
            var driver = new LoneDriver();
            using (var pool = ThinPool.Open(disk, options with { Driver = driver }))
            {
                if (pool.Mode >= PoolMode.ReadOnly)
                    Complain($"The pool is {pool.Mode}, and no disk has failed.");
                Dying = pool.GetStatus().DyingVolumes;
                Compare(pool, driver);
                if (!recovers)
                    return this;
                while (pool.GetStatus().DyingVolumes > 0)
                    driver.Turn();
                pool.Close();
            }
            Check(disk, "after recovery");
        }
        catch (Exception e)
        {
            // Whatever it is, after a power cut there must be none.
            Complain($"{e.GetType().Name}: {e.Message}");
        }
        return this;
    }

    private void Complain(string what)
    {
        if (_wrong.Count < WrongMax)
            _wrong.Add(what);
    }

    private void Check(MemoryDisk disk, string when)
    {
        using var inspector = PoolInspector.Open((IDisk)disk);
        foreach (var finding in inspector.Check())
            Complain($"{when}: {finding}");
    }

    private void Compare(ThinPool pool, LoneDriver driver)
    {
        var found = pool.ListVolumes().ToDictionary(v => v.Name, StringComparer.Ordinal);
        foreach (var name in found.Keys.Where(name => !model.Volumes.ContainsKey(name)))
            Complain($"'{name}' is there and should not be.");
        foreach (var (name, expected) in model.Volumes)
        {
            if (found.TryGetValue(name, out var volume))
                Compare(pool, driver, volume, expected);
            else if (!expected.MaybeGone && !expected.MaybeThere)
                Complain($"'{name}' is gone.");
        }
    }

    private void Compare(ThinPool pool, LoneDriver driver, VolumeInfo volume, CutVolume expected)
    {
        var sectors = (int)(volume.SizeBytes / Payload.SectorBytes);
        if (!expected.Sizes.Contains(sectors) || volume.Kind == VolumeKind.Snapshot != expected.IsSnapshot)
            Complain($"'{volume.Name}' is a {volume.Kind} of {sectors} sectors, and should have {string.Join(" or ", expected.Sizes)}.");
        var settled = new CutVolume(volume.Name, expected.IsSnapshot);
        settled.Sizes.Add(sectors);
        _found.Add(settled);
        using var device = pool.OpenDevice(volume.Id, readOnly: true);
        using var reader = new LoneReader(device, driver, BlockSectors);
        foreach (var block in BlocksOf(sectors, expected))
        {
            var first = block * BlockSectors;
            var bytes = reader.Read(first, Math.Min(BlockSectors, sectors - first));
            for (var i = 0; i < bytes.Length / Payload.SectorBytes; i++)
                Compare(settled, expected, first + i, bytes.Slice(i * Payload.SectorBytes, Payload.SectorBytes));
        }
    }

    private void Compare(CutVolume settled, CutVolume expected, int sector, ReadOnlySpan<byte> bytes)
    {
        var value = Payload.Read(bytes, sector);
        if (value > Payload.Zero)
            settled.Sectors[sector] = [new CutVolume.Candidate(value, 0)];
        if (value == Payload.Broken || !expected.Allows(sector, value))
            Complain($"Sector {sector} of '{expected.Name}' holds {Payload.Describe(bytes)}; allowed: write {expected.Describe(sector)}.");
    }

    /// <summary>All data blocks of a volume; of a large one those where something may be, and every hundredth.</summary>
    private static IEnumerable<int> BlocksOf(int sectors, CutVolume expected)
    {
        var blocks = (sectors + BlockSectors - 1) / BlockSectors;
        if (sectors <= WholeReadSectorsMax)
            return Enumerable.Range(0, blocks);
        var some = expected.Sectors.Keys.Select(sector => sector / BlockSectors).Where(block => block < blocks);
        return some.Concat(Enumerable.Range(0, blocks / 100).Select(i => i * 100)).Append(blocks - 1).Distinct().Order();
    }
}
