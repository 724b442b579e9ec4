using System.Security.Cryptography;
using System.Text.Json;
using CsiThin.EndToEnd.Kernel;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kube;

/// <summary>
/// Declared pools on a machine whose kernel lives from its disks: they are swap, in a volume group, in an array, mounted by a partition,
/// held open by somebody. Whatever is declared, by name or by a pattern that matches all of them, not a byte of them changes, and each is
/// named with its reason.
/// </summary>
public sealed class DeclaredInUseTests : IDisposable
{
    private const long DiskBytes = 128 << 20;
    private const string InUse = "abcdefgh";

    private static readonly string[] Reasons =
    [
        "/dev/ubda is in use: used as swap",
        "/dev/ubdb is in use: held by dm-0",
        "/dev/ubdc holds an LVM physical volume",
        "/dev/ubdd is in use: held by md0",
        "/dev/ubde is in use: held by md0",
        "/dev/ubdf holds a member of a Linux RAID (md)",
        "/dev/ubdg is in use: its partition ubdg1 is mounted on /mnt",
        "/dev/ubdh is in use: open in process",
    ];

    private readonly TempDirectory _directory = new();
    private readonly string[] _disks;
    private readonly GuestKernel _guest;

    public DeclaredInUseTests()
    {
        _disks = [.. (InUse + "i").Select(letter => _directory.SparseFile($"disk-{letter}", DiskBytes))];
        _guest = GuestKernel.Boot(_directory, new GuestOptions { Disks = _disks, Modules = GuestModules.DmThin | GuestModules.Md });
        _guest.Run("""
            export LVM_SYSTEM_DIR=/run/lvm MDADM_NO_UDEV=1
            mkdir -p /run/lvm
            echo 0 >/proc/sys/vm/swappiness
            mkswap -q /dev/ubda
            swapon /dev/ubda
            vgcreate -qy data /dev/ubdb
            lvcreate -qy -L 32M -n part data
            pvcreate -qy /dev/ubdc
            array() { mdadm --create --quiet --run --assume-clean --level=1 "$@"; }
            array --metadata=1.2 /dev/md0 --raid-devices=2 /dev/ubdd /dev/ubde
            mdadm --readonly /dev/md0
            array --metadata=1.0 --force /dev/md1 --raid-devices=1 /dev/ubdf
            mdadm --stop /dev/md1
            echo 'size=64M' | sfdisk -q --label gpt /dev/ubdg
            mkfs.ext4 -q /dev/ubdg1
            mount -o ro /dev/ubdg1 /mnt
            start holder python3 -c 'import os, time
            os.open("/dev/ubdh", os.O_RDWR | os.O_EXCL)
            print("held", flush=True)
            time.sleep(1e6)'
            await 30 holds /run/holder.out held
            sync
            """);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _guest.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void A_disk_that_somebody_lives_from_is_never_touched_however_it_is_declared()
    {
        var before = Hashes();
        var (named, refusals) = Make([.. InUse.Select(letter => $"/dev/ubd{letter}"), "/dev/ubdg1"]);
        Assert.Null(named);
        AssertAllTold([.. Reasons, "/dev/ubdg1 is in use: mounted on /mnt"], refusals);
        Assert.Equal(before, Hashes());

        // A pattern that matches every device there is takes the one that is empty, and says what it left alone.
        (var chosen, refusals) = Make("/dev/*");
        Assert.Equal("/dev/ubdi", chosen);
        AssertAllTold(
            [.. Reasons, "/dev/ubdg1 is a partition: name it", "/dev/dm-0 (dm-0) is no disk", "/dev/md0 (md0) is no disk"], refusals);
        Assert.Equal(before, Hashes());
        _guest.Run($"""
            {GuestProgram.Command("pool", "status", "/dev/ubdi")}
            swapon --show=NAME --noheadings | grep ubda
            grep -q 'md0 : active' /proc/mdstat
            mountpoint -q /mnt
            """);
    }

    private static void AssertAllTold(string[] expected, List<string> told) => Assert.All(
        expected, reason => Assert.Single(told, line => line.StartsWith(reason, StringComparison.Ordinal)));

    /// <summary>Makes a pool of what is declared as an engine does when it starts; its device, if any, and what was refused.</summary>
    private (string? Path, List<string> Refusals) Make(params IEnumerable<string> paths)
    {
        var file = _directory.File("pools.yaml");
        File.WriteAllText(file, $"pools: [{{name: fast, devices: {{paths: ['{string.Join("', '", paths)}'], minimumSize: 1Mi}}}}]");
        var (exitCode, said) = _guest.TryRun(GuestProgram.Command("pool", "declare", file, "--make", "-o", "json"));
        var outcome = JsonDocument.Parse(said).RootElement[0];
        var path = outcome.GetProperty("path").GetString();
        Assert.Equal(path is null, exitCode != 0);
        if (path is null)
            Assert.StartsWith("no device fits: ", outcome.GetProperty("message").GetString(), StringComparison.Ordinal);
        return (path, [.. outcome.GetProperty("refusals").EnumerateArray().Select(one => one.GetString()!)]);
    }

    // What is on the disks, seen from outside: all but the one that becomes the pool.
    private string[] Hashes()
    {
        _guest.Run("sync");
        return [.. _disks.Take(InUse.Length).Select(disk =>
        {
            using var file = File.OpenRead(disk);
            return Convert.ToHexString(SHA256.HashData(file));
        })];
    }
}
