using System.Diagnostics;
using CsiThin.Core.Device;

namespace CsiThin.Core.Bench;

/// <summary>
/// A bare disk through each kind of queue, on the calling thread: 4 KiB at random places, a fixed number in flight, on a file that was
/// written before. disk-fio.sh prints fio's figures for the same beside it.
/// </summary>
internal static class DiskBench
{
    private const long FileBytes = 512L << 20;
    private const int RequestBytes = 4096;
    private const int Depth = 16;

    public static int Run(string path, double seconds)
    {
        if (!File.Exists(path))
            Fill(path);
        foreach (var kind in new[] { DiskQueueKind.Ring, DiskQueueKind.Threads, DiskQueueKind.InPlace })
        {
            using var disk = FileDisk.Open(path, new FileDiskOptions { QueueKind = kind });
            using var queue = disk.OpenQueue();
            foreach (var isWrite in new[] { false, true })
                Measure(kind, queue, isWrite, seconds);
        }
        return 0;
    }

    private static void Fill(string path)
    {
        using var disk = FileDisk.Create(path, FileBytes);
        using var buffer = new AlignedBuffer(1 << 20);
        new Random(1).NextBytes(buffer.Span);
        for (long at = 0; at < FileBytes; at += buffer.LengthBytes)
            disk.Write(at, buffer.Span);
        disk.Barrier();
    }

    private static void Measure(DiskQueueKind kind, IDiskQueue queue, bool isWrite, double seconds)
    {
        using var buffer = new AlignedBuffer(Depth * RequestBytes);
        var random = new Random(2);
        var completions = new DiskCompletion[Depth];
        for (var i = 0; i < Depth; i++)
            Gather((ulong)i);
        long done = 0;
        var processor = Environment.CpuUsage.TotalTime;
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            queue.Submit();
            var count = queue.Reap(completions, wait: true);
            foreach (var completion in completions.AsSpan(0, count))
            {
                if (completion.Errno != 0)
                    throw new InvalidOperationException($"errno {completion.Errno}");
                Gather(completion.Tag);
            }
            done += count;
        }
        var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        var processorMicroseconds = (Environment.CpuUsage.TotalTime - processor).TotalMicroseconds / done;
        Console.WriteLine($"ours {kind,-10} {(isWrite ? "randwrite" : "randread"),-10} 4k x{Depth} {done / elapsed,9:F0} /s " +
            $"{processorMicroseconds,6:F1} us of processor each   {allocated} bytes allocated");
        queue.Submit();
        while (queue.InFlight > 0)
            _ = queue.Reap(completions, wait: true); // InFlight counts them

        void Gather(ulong tag)
        {
            var offset = random.NextInt64(FileBytes / RequestBytes) * RequestBytes;
            var address = buffer.Address + ((int)tag * RequestBytes);
            if (isWrite)
                queue.Write(offset, address, RequestBytes, tag);
            else
                queue.Read(offset, address, RequestBytes, tag);
        }
    }
}
