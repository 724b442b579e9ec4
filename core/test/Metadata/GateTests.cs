using CsiThin.Core.Metadata;
using Xunit;

namespace CsiThin.Core.Tests.Metadata;

public sealed class GateTests
{
    [Fact]
    public async Task Readers_never_see_a_writing_section_half_done()
    {
        var gate = new Gate();
        long left = 0, right = 0, seen = 0;
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    gate.EnterRead();
                    var same = left == right;
                    gate.ExitRead();
                    Interlocked.Increment(ref seen);
                    if (!same)
                        return false;
                }
                return true;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        for (var i = 0; i < 50_000 || Interlocked.Read(ref seen) < 1000; i++)
        {
            using (gate.Write())
            {
                left++;
                right++;
            }
        }
        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(readers), Assert.True);
        Assert.True(left >= 50_000);
    }

    [Fact]
    public async Task A_writer_waits_for_a_reader_that_is_inside()
    {
        var gate = new Gate();
        using var inside = new ManualResetEventSlim();
        using var mayLeave = new ManualResetEventSlim();
        var reader = Task.Factory.StartNew(
            () =>
            {
                gate.EnterRead();
                inside.Set();
                mayLeave.Wait();
                gate.ExitRead();
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        inside.Wait();
        var writer = Task.Factory.StartNew(
            () =>
            {
                using var section = gate.Write();
                return mayLeave.IsSet;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.Delay(20);
        mayLeave.Set();
        await reader;
        Assert.True(await writer);
    }
}
