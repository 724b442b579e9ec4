using System.Diagnostics;
using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools.Check;

namespace CsiThin.Core.Bench;

/// <summary>Quick figures of the metadata floor on a file in /dev/shm: one line each, nothing asserted.</summary>
internal static class MetadataBench
{
    private const ulong Mappings = 1_000_000;

    public static int Run()
    {
        var path = $"/dev/shm/csithin-bench-{Environment.ProcessId}";
        try
        {
            using var disk = FileDisk.Create(path, 256 << 20);
            ThinMetadata.Format(disk, 128, 4 * Mappings);
            for (var round = 0; round < 2; round++)
            {
                using var pool = ThinMetadata.Open(disk, new ThinMetadataOptions());
                Console.WriteLine($"round {round}");
                Measure(pool, disk, (uint)(round * 10) + 1);
            }
        }
        finally
        {
            File.Delete(path);
        }
        return 0;
    }

    private static void Measure(ThinMetadata pool, FileDisk disk, uint id)
    {
        pool.CreateThin(new ThinId(id));
        using var thin = pool.OpenThin(new ThinId(id));
        Rate("sequential inserts (allocate, insert)", Mappings, () => Fill(pool, thin, step: 1));
        Time("commit of them", pool.Commit);
        Time("snapshot of 1M mappings and commit", () => Snapshot(pool, id + 1, id));
        Time("snapshot of the snapshot and commit", () => Snapshot(pool, id + 2, id + 1));
        foreach (var block in Enumerable.Range(0, (int)Mappings / 100))
            pool.Find(thin, new VirtualBlock((ulong)block * 100), out _);
        Rate("random TryFind, cached, 1 thread", 5_000_000, () => Lookups(pool, thin, 5_000_000));
        Rate("the same within 100k blocks", 5_000_000, () => Lookups(pool, thin, 5_000_000, Mappings / 10));
        Rate("random TryFind, cached, 2 threads", 10_000_000, () => Parallel.Invoke(
            () => Lookups(pool, thin, 5_000_000), () => Lookups(pool, thin, 5_000_000)));
        Rate("random breaking of sharing", 100_000, () => Break(pool, thin));
        Time("commit of them", pool.Commit);
        Time("open", () => ThinMetadata.Open(disk, new ThinMetadataOptions { ReadOnly = true }).Dispose());
        Time("check", () => Console.Write($"    {MetadataChecker.Check(disk, strict: true).Count} findings; "));
        Rate("RemoveRange", Mappings, () => pool.RemoveRange(thin, new VirtualBlock(0), new VirtualBlock(Mappings)));
        Time("delete snapshot, shared", () => pool.DeleteThin(new ThinId(id + 1)));
        Time("delete snapshot, last one", () => pool.DeleteThin(new ThinId(id + 2)));
        Time("commit", pool.Commit);
    }

    private static void Snapshot(ThinMetadata pool, uint id, uint origin)
    {
        pool.CreateSnapshot(new ThinId(id), new ThinId(origin));
        pool.Commit();
    }

    private static void Fill(ThinMetadata pool, ThinDevice thin, ulong step)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong block = 0; block < Mappings; block += step)
        {
            if (!pool.TryAllocateDataBlock(out var fresh))
                throw new InvalidOperationException("no space");
            pool.Insert(thin, new VirtualBlock(block), fresh);
        }
        Console.Write($"    {(GC.GetAllocatedBytesForCurrentThread() - before) / (double)Mappings:f1} bytes of garbage each; ");
    }

    private static void Lookups(ThinMetadata pool, ThinDevice thin, int count, ulong blocks = Mappings)
    {
        ulong state = 88172645463325252;
        for (var i = 0; i < count; i++)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if (pool.TryFind(thin, new VirtualBlock(state % blocks), out _) != LookupOutcome.Mapped)
                throw new InvalidOperationException("not mapped");
        }
    }

    private static void Break(ThinMetadata pool, ThinDevice thin)
    {
        var random = new Random(1);
        for (var i = 0; i < 100_000; i++)
        {
            if (!pool.TryAllocateDataBlock(out var fresh))
                throw new InvalidOperationException("no space");
            pool.Insert(thin, new VirtualBlock((ulong)random.Next((int)Mappings)), fresh);
        }
    }

    private static void Rate(string what, ulong count, Action action)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var watch = Stopwatch.StartNew();
        action();
        var elapsed = watch.Elapsed;
        process.Refresh();
        var processor = process.TotalProcessorTime - before;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {what}: {count / elapsed.TotalSeconds:n0}/s; {count / processor.TotalSeconds:n0} per second of processor time"));
    }

    private static void Time(string what, Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what}: {watch.Elapsed.TotalMilliseconds:f2} ms"));
    }
}
