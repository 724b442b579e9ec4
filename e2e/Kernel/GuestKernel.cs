using System.Diagnostics;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// A real Linux kernel as an ordinary process (User Mode Linux) on the machine's own root file system, with dm-thin loaded and files as
/// its disks, /dev/ubda, /dev/ubdb and so on. What a script writes outside /run and /mnt stays on the machine: it must keep to its test's
/// directory.
/// </summary>
internal static class GuestKernel
{
    private const string Done = "GUEST-SCRIPT-DONE";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>
    /// Runs a script (bash, ending at the first failure) in the guest; returns what it printed. Fails the test when the script does.
    /// </summary>
    public static string Run(TempDirectory directory, string script, params string[] disks)
    {
        var init = directory.File("init");
        File.WriteAllText(init, Prologue + "if ( set -e\n" + script + "\n); then echo " + Done + "; fi\nhalt -f\n");
        Tool.Run("chmod", "755", init);
        string[] arguments =
        [
            "mem=512M", "rootfstype=hostfs", "rootflags=/", "rw", .. disks.Select((disk, number) => $"ubd{number}={disk}"),
            $"init={init}", "quiet", "con=null", "con0=null,fd:1",
        ];
        var start = new ProcessStartInfo("linux.uml", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("linux.uml did not start");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail("the guest does not end");
        }
        var said = output.GetAwaiter().GetResult();
        Assert.True(
            said.Contains(Done, StringComparison.Ordinal), $"the guest's script failed:\n{said}\n{errors.GetAwaiter().GetResult()}");
        return said;
    }

    // There is no udev in the guest: dmsetup is told to make its nodes itself.
    private const string Prologue = """
        #!/bin/bash
        export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DM_DISABLE_UDEV=1
        exec </dev/null 2>&1
        mount -t proc proc /proc
        mount -t sysfs sys /sys
        mount -t devtmpfs dev /dev 2>/dev/null
        mount -t tmpfs tmp /run
        mount -t tmpfs tmp /mnt
        modules=$(ls -d /usr/lib/uml/modules/*/kernel)
        for module in drivers/md/dm-mod drivers/md/dm-bufio lib/libcrc32c drivers/md/dm-bio-prison \
            drivers/md/persistent-data/dm-persistent-data drivers/md/dm-thin-pool; do
            [ ! -e "$modules/$module.ko" ] || insmod "$modules/$module.ko"
        done

        """;
}
