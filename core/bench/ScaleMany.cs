using System.Globalization;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;

namespace CsiThin.Core.Bench;

/// <summary>
/// Thousands of volumes with a snapshot each in one pool: the last thousand must not cost more than one and a half of the first.
/// </summary>
internal static class ScaleMany
{
    private const long CacheBytes = 16 << 20;

    public static void Run(string path, int thousands)
    {
        File.Delete(path);
        ThinPool.Format(path, new PoolFormatOptions { SizeBytes = 64L << 30 });
        Create(path, thousands);
        ScaleReport.AtMost("open and close with all of them", ScaleReport.Time(() => Open(path).Close()).TotalSeconds, 1, "s");
        Delete(path, thousands);
        ScaleReport.Memory(CacheBytes);
    }

    private static void Create(string path, int thousands)
    {
        using var pool = Open(path);
        var volumes = new List<VolumeId>();
        PerThousand("create a volume", thousands,
            i => volumes.Add(pool.Create(new VolumeSpec { Name = $"v{i}", SizeBytes = 1 << 30 }).Id));
        PerThousand("create a snapshot", thousands,
            i => pool.Create(new VolumeSpec { Name = $"s{i}", Kind = VolumeKind.Snapshot, Source = volumes[i] }));
        PerThousand("look at one by handle", thousands, i => pool.FindVolume(volumes[i]));
        PerThousand("look at one by name", thousands, i => pool.FindVolumeByName(VolumeKind.Snapshot, $"s{i}"));
        PerThousand("open one and close it", thousands, i => pool.OpenDevice(volumes[i], readOnly: false).Dispose());
        var all = 0;
        var list = ScaleReport.Time(() => all = pool.ListVolumes().Count).TotalMilliseconds;
        var usage = ScaleReport.Time(() => pool.ListUsage()).TotalMilliseconds;
        var status = ScaleReport.Time(() => pool.GetStatus()).TotalMilliseconds;
        ScaleReport.Say($"list of {all}: {list:f1} ms; with what each occupies: {usage:f1} ms; status: {status:f2} ms");
        pool.Close();
    }

    private static void Delete(string path, int thousands)
    {
        using var pool = Open(path);
        var volumes = pool.ListVolumes().Select(v => v.Id).ToList();
        PerThousand("delete a volume", thousands, i => pool.Delete(volumes[i]));
        PerThousand("delete a snapshot", thousands, i => pool.Delete(volumes[(thousands * 1000) + i]));
        pool.Close();
    }

    private static ThinPool Open(string path) => ThinPool.Open(path, new PoolOpenOptions { MetadataCacheBytes = CacheBytes });

    private static void PerThousand(string what, int thousands, Action<int> action)
    {
        var (elapsed, processor) = (new double[thousands], new double[thousands]);
        for (var thousand = 0; thousand < thousands; thousand++)
        {
            var first = thousand * 1000;
            elapsed[thousand] = ScaleReport.Time(() => processor[thousand] = ScaleReport.Processor(() =>
            {
                for (var i = first; i < first + 1000; i++)
                    action(i);
            }).TotalMilliseconds).TotalMilliseconds;
        }
        // What a disk takes for a barrier is nothing to do with the pool's size, and varies more than all else.
        ScaleReport.Say($"{what}: {Each(elapsed)} us each, by thousands; {Each(processor)} us of processor time");
        ScaleReport.AtMost($"{what}, processor time, the last thousand to the first", processor[^1] / processor[0], 1.5, "times");
        ScaleReport.AtMost($"{what}, elapsed, the last thousand to the first", elapsed[^1] / elapsed[0], 1.5, "times");
    }

    private static string Each(double[] microseconds) =>
        string.Join(" ", microseconds.Select(m => m.ToString("f0", CultureInfo.InvariantCulture)));
}
