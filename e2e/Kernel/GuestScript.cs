namespace CsiThin.EndToEnd.Kernel;

/// <summary>A script that runs in a guest.</summary>
internal sealed class GuestScript(GuestKernel guest, string script, string outputPath, Task<int> exit)
{
    /// <summary>It has ended.</summary>
    public bool HasEnded => exit.IsCompleted;

    /// <summary>
    /// Waits for its end; returns its exit code and what it printed. Fails the test, with the kernel's account of what hangs, when it takes
    /// longer than <paramref name="limitSeconds"/>.
    /// </summary>
    public (int ExitCode, string Output) Wait(int limitSeconds)
    {
        if (!exit.Wait(TimeSpan.FromSeconds(limitSeconds)))
        {
            // Blocked tasks, to the console, which the failure prints.
            _ = guest.Start("echo 1 >/proc/sys/kernel/sysrq; echo w >/proc/sysrq-trigger; ps axo pid,stat,wchan:20,args; dmesg | tail -100")
                .TryWait(TimeSpan.FromSeconds(10), out var said);
            guest.Fail($"a script in the guest does not end within {limitSeconds} s:\n{script}\n--- its processes:\n{said}");
        }

        return (exit.Result, File.ReadAllText(outputPath));
    }

    private bool TryWait(TimeSpan limit, out string output)
    {
        var hasEnded = exit.Wait(limit);
        output = hasEnded ? File.ReadAllText(outputPath) : "";
        return hasEnded;
    }
}
