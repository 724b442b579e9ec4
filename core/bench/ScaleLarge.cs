using System.Diagnostics;
using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;

namespace CsiThin.Core.Bench;

/// <summary>
/// One volume of 1 TiB, every block of 64 KiB mapped (its data never written), and another beside it that wants its flushes.
/// </summary>
internal static class ScaleLarge
{
    private const ulong Mappings = 16 << 20;
    private const long BlockBytes = 64 << 10;
    private const string LargeName = "large", BesideName = "beside";
    private static readonly TimeSpan AloneFor = TimeSpan.FromSeconds(3);
    private const long DiscardBytes = (long)(Mappings / 4) * BlockBytes;

    public static void Make(string path, bool isScattered)
    {
        File.Delete(path);
        ThinPool.Format(path, new PoolFormatOptions { SizeBytes = (long)(Mappings + (Mappings / 8)) * BlockBytes });
        ThinId id;
        using (var pool = ThinPool.Open(path, new PoolOpenOptions()))
        {
            id = pool.Create(new VolumeSpec { Name = LargeName, SizeBytes = (long)Mappings * BlockBytes }).ThinId;
            pool.Create(new VolumeSpec { Name = BesideName, SizeBytes = 1L << 30 });
            pool.Close();
        }
        using var regions = PoolDisk.Open(FileDisk.Open(path));
        using (var metadata = regions.OpenMetadata(readOnly: false, 64 << 20))
        {
            using var thin = metadata.OpenThin(id);
            var took = ScaleReport.Time(() => Map(metadata, thin, isScattered));
            ScaleReport.AtLeast("inserts, with their commits", Mappings / took.TotalSeconds, 200_000, "/s");
        }
        regions.Disk.Dispose();
    }

    public static void Use(string path)
    {
        var cacheBytes = new PoolOpenOptions().MetadataCacheBytes;
        ThinPool? pool = null;
        ScaleReport.AtMost("open", ScaleReport.Time(() => pool = ThinPool.Open(path, new PoolOpenOptions())).TotalSeconds, 1, "s");
        using (pool)
        {
            Warm(pool!);
            var large = pool!.FindVolumeByName(VolumeKind.Volume, LargeName)!;
            for (var i = 0; i < 3; i++)
            {
                var spec = new VolumeSpec { Name = $"s{i}", Kind = VolumeKind.Snapshot, Source = large.Id };
                VolumeInfo? snapshot = null;
                ScaleReport.AtMost("snapshot", ScaleReport.Time(() => snapshot = pool.Create(spec)).TotalMilliseconds, 5, "ms");
                ScaleReport.AtMost("its delete", ScaleReport.Time(() => pool.Delete(snapshot!.Id)).TotalMilliseconds, 5, "ms");
            }
            pool.Close();
        }
        ScaleReport.Memory(cacheBytes);
        Lookups(path);
    }

    public static void Discard(string path)
    {
        using var pool = ThinPool.Open(path, new PoolOpenOptions());
        Warm(pool);
        using var device = pool.OpenDevice(pool.FindVolumeByName(VolumeKind.Volume, LargeName)!.Id, readOnly: false);
        var discard = new Thread(() =>
        {
            using var queue = device.OpenQueue();
            RunOne(queue, new BlockRequest { Operation = BlockOperation.Discard, LengthBytes = DiscardBytes });
        });
        Beside(pool, $"discard of {DiscardBytes >> 30} GiB", discard.Start, () => discard.IsAlive);
        pool.Close();
    }

    public static void Delete(string path)
    {
        using var pool = ThinPool.Open(path, new PoolOpenOptions());
        Warm(pool);
        var large = pool.FindVolumeByName(VolumeKind.Volume, LargeName)!;
        var alone = Stopwatch.StartNew();
        Beside(pool, "nothing, to compare", static () => { }, () => alone.Elapsed < AloneFor);
        Beside(pool, "background delete of the rest",
            () => ScaleReport.AtMost("delete answered", ScaleReport.Time(() => pool.Delete(large.Id)).TotalMilliseconds, 50, "ms"),
            () => pool.GetStatus().DyingVolumes > 0);
        ScaleReport.Say($"{pool.GetStatus().DataBlocksUsed} data blocks are in use afterwards");
        pool.Close();
        ScaleReport.Memory(new PoolOpenOptions().MetadataCacheBytes);
    }

    /// <summary>
    /// Everything once on a small volume, so that what is measured is the size of the large one and not the compiler's first look at the
    /// code.
    /// </summary>
    private static void Warm(ThinPool pool)
    {
        for (var round = 0; round < 40; round++)
        {
            var small = pool.Create(new VolumeSpec { Name = "small", SizeBytes = 1L << 30 });
            using (var device = pool.OpenDevice(small.Id, readOnly: false))
            using (var queue = device.OpenQueue())
            {
                RunOne(queue, new BlockRequest
                {
                    Operation = BlockOperation.WriteZeroes,
                    LengthBytes = 8 << 20,
                    Flags = BlockFlags.NoHole | BlockFlags.ForceUnitAccess,
                });
                RunOne(queue, new BlockRequest { Operation = BlockOperation.Discard, LengthBytes = 1 << 20 });
                RunOne(queue, new BlockRequest { Operation = BlockOperation.Flush });
            }
            var snapshot = pool.Create(new VolumeSpec { Name = "small", Kind = VolumeKind.Snapshot, Source = small.Id });
            pool.Delete(small.Id);
            pool.Delete(snapshot.Id);
        }
    }

    private static void Map(ThinMetadata metadata, ThinDevice thin, bool isScattered)
    {
        for (var block = 0ul; block < Mappings; block++)
        {
            // A block by its number: an odd factor visits each one below a power of two once.
            var data = new DataBlock(isScattered ? block * 7_368_787 % Mappings : block);
            metadata.IncrementData(data, new DataBlock(data.Value + 1));
            metadata.Insert(thin, new VirtualBlock(block), data);
            if (block % 500_000 == 0)
                metadata.Commit();
        }
        metadata.Commit();
    }

    /// <summary>The metadata alone, with a cache that holds it all.</summary>
    private static void Lookups(string path)
    {
        const int Count = 10_000_000;
        using var regions = PoolDisk.Open(FileDisk.Open(path, new FileDiskOptions { ReadOnly = true }));
        using (var metadata = regions.OpenMetadata(readOnly: true, 1L << 30))
        {
            using var thin = metadata.OpenThin(metadata.ListThins().MaxBy(t => t.MappedBlocks)!.Id);
            for (var block = 0ul; block < Mappings; block += 64)
                _ = metadata.Find(thin, new VirtualBlock(block), out _); // only its side effect on the cache is wanted
            var random = new Random(1);
            var took = ScaleReport.Processor(() =>
            {
                for (var i = 0; i < Count; i++)
                {
                    if (metadata.TryFind(thin, new VirtualBlock((ulong)random.NextInt64((long)Mappings)), out _) != LookupOutcome.Mapped)
                        throw new InvalidOperationException("not mapped, or not cached");
                }
            });
            ScaleReport.AtLeast(
                "random look-ups over all of it, cached, a second of processor time", Count / took.TotalSeconds, 1_000_000, "/s");
        }
        regions.Disk.Dispose();
    }

    /// <summary>Writes and flushes on the volume beside, as fast as they are answered, while something goes on.</summary>
    private static void Beside(ThinPool pool, string what, Action begin, Func<bool> goesOn)
    {
        using var device = pool.OpenDevice(pool.FindVolumeByName(VolumeKind.Volume, BesideName)!.Id, readOnly: false);
        using var queue = device.OpenQueue();
        using var buffer = new AlignedBuffer(4096);
        var latencies = new List<double>();
        var slowest = (At: 0.0, Took: 0.0);
        var start = Stopwatch.GetTimestamp();
        begin();
        do
        {
            RunOne(queue, new BlockRequest
            {
                Operation = BlockOperation.Write,
                OffsetBytes = latencies.Count % 16384 * BlockBytes,
                LengthBytes = 4096,
                Address = buffer.Address,
            });
            latencies.Add(ScaleReport.Time(() => RunOne(queue, new BlockRequest { Operation = BlockOperation.Flush })).TotalMilliseconds);
            if (latencies[^1] > slowest.Took)
                slowest = (Stopwatch.GetElapsedTime(start).TotalSeconds, latencies[^1]);
        }
        while (goesOn());
        ScaleReport.Say($"{what}: {Stopwatch.GetElapsedTime(start).TotalSeconds:f1} s, {latencies.Count} flushes beside it");
        latencies.Sort();
        ScaleReport.AtMost("the slowest of them", latencies[^1], 50, "ms");
        var (most, half) = (latencies[latencies.Count * 99 / 100], latencies[latencies.Count / 2]);
        ScaleReport.Say($"99 in a hundred within {most:f2} ms, half within {half:f2} ms; the slowest after {slowest.At:f2} s");
    }

    private static void RunOne(IBlockQueue queue, BlockRequest request)
    {
        var finished = new BlockRequest[1];
        queue.Submit(request);
        queue.Kick();
        while (queue.Reap(finished) == 0)
        {
            Thread.Yield();
            queue.Kick();
        }
        if (request.Error != BlockError.None)
            throw new InvalidOperationException($"{request.Operation} at {request.OffsetBytes}: {request.Error}");
    }
}
