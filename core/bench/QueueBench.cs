using System.Diagnostics;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;

namespace CsiThin.Core.Bench;

/// <summary>
/// The mapped data path alone, on the calling thread: no wire, no second process. Prints nanoseconds a request and bytes allocated.
/// </summary>
internal static class QueueBench
{
    private const int VolumeMebibytes = 512;
    private const int RequestBytes = 4096;
    private const int Depth = 16;
    private const int Rounds = 40_000;
    private const int FlushRounds = 2_000;

    public static int Run(string path)
    {
        ThinPool.Format(path, new PoolFormatOptions { SizeBytes = 1L << 30, Force = true });
        using var pool = ThinPool.Open(path, new PoolOpenOptions());
        using var device =
            pool.OpenDevice(pool.Create(new VolumeSpec { Name = "bench", SizeBytes = (long)VolumeMebibytes << 20 }).Id, readOnly: false);
        using var queue = device.OpenQueue();
        using var buffer = new AlignedBuffer(1 << 20);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < VolumeMebibytes; i++)
            RunOne(queue,
                new BlockRequest
                {
                    Operation = BlockOperation.Write,
                    OffsetBytes = (long)i << 20,
                    LengthBytes = 1 << 20,
                    Address = buffer.Address,
                });
        RunOne(queue, new BlockRequest { Operation = BlockOperation.Flush });
        Console.WriteLine(
            $"fill   {VolumeMebibytes / Stopwatch.GetElapsedTime(start).TotalSeconds,8:F0} MiB/s, provisioning, 1 MiB at a time");
        foreach (var operation in new[] { BlockOperation.Read, BlockOperation.Write, BlockOperation.Read, BlockOperation.Write })
            Measure(queue, operation, buffer);
        MeasureFlushes(device, buffer, clients: 1);
        MeasureFlushes(device, buffer, clients: 4);
        return 0;
    }

    private static void Measure(IBlockQueue queue, BlockOperation operation, AlignedBuffer buffer)
    {
        var random = new Random(1);
        var requests = Enumerable.Range(0, Depth).Select(i => new BlockRequest { Address = buffer.Address + i * RequestBytes }).ToArray();
        var finished = new BlockRequest[Depth];
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var start = Stopwatch.GetTimestamp();
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var request in requests)
            {
                request.Operation = operation;
                request.OffsetBytes = random.Next(VolumeMebibytes << 8) * (long)RequestBytes;
                request.LengthBytes = RequestBytes;
                queue.Submit(request);
            }
            queue.Kick();
            for (var done = 0; done < Depth; done += queue.Reap(finished))
            {
            }
        }
        var elapsed = Stopwatch.GetElapsedTime(start);
        Console.WriteLine(
            $"{operation,-6} {elapsed.TotalNanoseconds / Rounds / Depth,8:F0} ns a request, " +
            $"{GC.GetAllocatedBytesForCurrentThread() - allocated} bytes allocated in {Rounds * Depth} requests");
    }

    /// <summary>Writes that are made durable one by one, by so many clients at once, each with a queue and a thread of its own.</summary>
    private static void MeasureFlushes(IBlockDevice device, AlignedBuffer buffer, int clients)
    {
        var start = Stopwatch.GetTimestamp();
        var threads = Enumerable.Range(0, clients).Select(client => new Thread(() =>
        {
            using var queue = device.OpenQueue();
            using var poll = new PollSet(2);
            var random = new Random(client);
            var finished = new BlockRequest[1];
            var write = new BlockRequest
            {
                Operation = BlockOperation.Write,
                LengthBytes = RequestBytes,
                Address = buffer.Address,
                Flags = BlockFlags.ForceUnitAccess,
            };
            for (var i = 0; i < FlushRounds; i++)
            {
                write.OffsetBytes = random.Next(VolumeMebibytes << 8) * (long)RequestBytes;
                queue.Submit(write);
                queue.Kick();
                while (queue.Reap(finished) == 0)
                    WaitFor(queue, poll);
            }
        })).ToList();
        threads.ForEach(static thread => thread.Start());
        threads.ForEach(static thread => thread.Join());
        Console.WriteLine(
            $"durable {Stopwatch.GetElapsedTime(start).TotalMicroseconds / FlushRounds,7:F1} us a write, {clients} clients at once");
    }

    /// <summary>Waits as a connection does.</summary>
    private static void WaitFor(IBlockQueue queue, PollSet poll)
    {
        for (var i = 0; i < 2; i++)
            poll.Set(i, i < queue.WaitDescriptors.Length ? queue.WaitDescriptors[i] : -1, PollSet.Readable);
        _ = poll.Wait(-1); // without a limit it has only one outcome
    }

    private static void RunOne(IBlockQueue queue, BlockRequest request)
    {
        var finished = new BlockRequest[1];
        queue.Submit(request);
        do
            queue.Kick();
        while (queue.Reap(finished) == 0);
        if (request.Error != BlockError.None)
            throw new InvalidOperationException($"{request.Operation} at {request.OffsetBytes}: {request.Error}");
    }
}
