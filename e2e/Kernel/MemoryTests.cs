using System.Globalization;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>Issue 4, part 6: little memory, all of it dirty pages that only the engine can write, and somebody who wants more.</summary>
public sealed class MemoryTests(ITestOutputHelper output)
{
    private const int SecondsDefault = 25;
    private const int Volumes = 3;

    /// <summary>How long it goes on; ten minutes with CSITHIN_MEMORY_SECONDS=600.</summary>
    private static int LengthSeconds =>
        int.TryParse(Environment.GetEnvironmentVariable("CSITHIN_MEMORY_SECONDS"), out var seconds) ? seconds : SecondsDefault;

    [Fact]
    public void Writers_and_a_memory_hog_leave_nothing_hanging()
    {
        var random = TestSeed.NewRandom(output);
        using var guest = new DeviceGuest(memoryMiB: 384);
        output.WriteLine(guest.Kernel.Run($"""
            grep -E 'VmLck|Threads' /proc/{guest.Engine.ProcessId}/status
            [ "$(cat /proc/{guest.Engine.ProcessId}/oom_score_adj)" = -997 ]
            echo $((32 << 20)) >/proc/sys/vm/dirty_bytes
            echo $((8 << 20)) >/proc/sys/vm/dirty_background_bytes
            """));
        Assert.DoesNotContain("without what it should have", guest.Engine.Errors, StringComparison.Ordinal);
        var paths = guest.AttachMany("pressed", Volumes, 200 << 20);
        var number = 0;
        foreach (var path in paths.Values)
        {
            number++;
            guest.Kernel.Run($"""
                mkfs.ext4 -q {path}
                mkdir /mnt/{number}
                mount {path} /mnt/{number}
                start {number} {DeviceGuest.FsStress} run /mnt/{number} /run/{number}.log /run/stop {random.Next()}
                """);
        }

        // It takes a third of the memory, again and again, and is the first to go if that is too much.
        guest.Kernel.Run("""
            start hog bash -c 'echo 1000 >/proc/$$/oom_score_adj
                while [ ! -e /run/stop ]; do head -c 120M /dev/zero | tail -c 120M >/dev/null; done'
            """);
        guest.Kernel.Run($"sleep {LengthSeconds}; touch /run/stop", LengthSeconds + 120);
        for (number = 1; number <= Volumes; number++)
        {
            output.WriteLine(guest.Kernel.Run(string.Create(CultureInfo.InvariantCulture, $"""
                await 120 gone "$(cat /run/{number}.pid)"
                cat /run/{number}.out /run/{number}.err
                holds /run/{number}.out ' files$'
                umount /mnt/{number}
                """), limitSeconds: 240));
        }

        foreach (var (volume, path) in paths)
        {
            guest.Kernel.Run($"e2fsck -fn {path}");
            guest.Detach(volume);
        }

        guest.AssertNothingFailed();
        output.WriteLine(guest.Kernel.Run($"grep -E 'VmLck|VmHWM|VmRSS' /proc/{guest.Engine.ProcessId}/status"));
    }
}
