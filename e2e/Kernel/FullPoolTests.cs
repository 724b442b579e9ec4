using System.Globalization;
using System.Text.Json;
using CsiThin.EndToEnd.Csi;
using CsiThin.EndToEnd.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// A pool that is filled and relieved over and over under ext4 and xfs with writers running. What holds the space that relieves it changes
/// from round to round: a range that is discarded, a snapshot, a volume, a file that is deleted and trimmed. CSITHIN_FILL_ROUNDS=N says
/// how often; a test run does it a few times.
/// </summary>
public sealed class FullPoolTests(ITestOutputHelper output) : IDisposable
{
    private const int DefaultRounds = 8;
    private const int HeldMiB = 16;
    private const int MoreMiB = 8;

    // A loaded machine takes its time; nothing here waits for the end of it.
    private const string PoolArgument = "fast=/dev/ubda,warn=98,snapshots=99,volumes=99,queue=30m";
    private const string FileSystems = "ext4 xfs";
    private static readonly string Writer = $"/usr/bin/python3 {Path.Combine(AppContext.BaseDirectory, "Kernel", "fsync_writer.py")}";

    private readonly TempDirectory _directory = new();
    private GuestKernel _guest = null!;
    private GuestCsiClient _engine = null!;
    private GuestProgram _program = null!;
    private string _pool = "";
    private string _ballast = "";
    private string _ballastDevice = "";

    public void Dispose()
    {
        _guest?.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Filled_and_relieved_over_and_over_under_ext4_and_xfs_every_fsynced_byte_is_right()
    {
        var rounds = int.Parse(
            Environment.GetEnvironmentVariable("CSITHIN_FILL_ROUNDS") ?? $"{DefaultRounds}", CultureInfo.InvariantCulture);
        var disk = Start(176);
        foreach (var kind in FileSystems.Split(' '))
        {
            var device = Attach(Create(kind, 512)).Device;
            _guest.Run($"""
                mkfs.{kind} -q {device}
                mkdir /mnt/{kind}
                mount {device} /mnt/{kind}
                touch /run/{kind}.log
                start {kind}-writer {Writer} write /mnt/{kind} /run/{kind}.log 40 30
                """);
        }
        (_ballast, _ballastDevice) = Attach(Create("ballast", 512));
        for (var round = 0; round < rounds; round++)
            FillAndRelieve(round);
        Finish(disk, rounds);
    }

    private void FillAndRelieve(int round)
    {
        var relieve = Hold(round);
        var status = Status();
        var freeMiB = (CsiClient.Number(status, "dataBlocksTotal") - CsiClient.Number(status, "dataBlocksUsed")) / 16;
        var fill = _guest.Start(
            $"dd if=/dev/zero of={_ballastDevice} bs=1M seek={HeldMiB * 2} count={freeMiB + 8} oflag=direct status=none");
        Until("requests wait for space", () => CsiClient.Number(Status(), "waitingRequests") > 0);
        Assert.Equal("out-of-data-space", Status().GetProperty("mode").GetString());
        Assert.False(fill.HasEnded);
        var failures = CsiClient.Number(Status(), "noSpaceFailures");
        relieve();
        AwaitEnd(fill, freeMiB);
        var written = Written();
        Until("the writers go on", () => Written().Zip(written).All(pair => pair.First > pair.Second));
        _guest.Run($"blkdiscard {_ballastDevice}");
        Until("the pool is writable", () => Status().GetProperty("mode").GetString() == "write");
        Assert.Equal(failures, CsiClient.Number(Status(), "noSpaceFailures"));
        if (round % 10 == 9)
            Verify();
    }

    /// <summary>
    /// The fill goes on with the space it was given, and ends. The writers take of that space too, however fast the machine lets them, so
    /// the fill may come to wait again: it is then given part of what it has written. Requests that wait while a block is free are given
    /// nothing, and so never end here.
    /// </summary>
    private void AwaitEnd(GuestScript fill, long freeMiB)
    {
        var givenMiB = 0;
        Until("the fill ends", () =>
        {
            var status = Status();
            var isFull = CsiClient.Number(status, "dataBlocksUsed") == CsiClient.Number(status, "dataBlocksTotal")
                && CsiClient.Number(status, "waitingRequests") > 0;
            if (isFull && !fill.HasEnded && givenMiB < freeMiB / 2)
            {
                _guest.Run($"blkdiscard -o {(HeldMiB * 2) + givenMiB}M -l {MoreMiB}M {_ballastDevice}");
                givenMiB += MoreMiB;
            }

            return fill.HasEnded;
        });
        Assert.Equal((0, ""), fill.Wait(120));
        // It may have taken the last block; the writers get theirs from what it wrote.
        _guest.Run($"blkdiscard -o {HeldMiB * 2}M -l {freeMiB}M {_ballastDevice}");
    }

    /// <summary>Puts something into the pool that takes up space; how to get rid of it.</summary>
    private Action Hold(int round)
    {
        var place = FileSystems.Split(' ')[(round / 4) % 2];
        switch (round % 4)
        {
            case 0:
                Fill(_ballastDevice);
                return () => _guest.Run($"blkdiscard -l {HeldMiB}M {_ballastDevice}");
            case 1:
                Fill(_ballastDevice);
                var snapshot = Create($"s{round}", 0, source: _ballast, isSnapshot: true);
                _guest.Run($"blkdiscard -l {HeldMiB}M {_ballastDevice}");
                return () => Delete(snapshot);
            case 2:
                var (volume, device) = Attach(Create($"v{round}", 64));
                Fill(device);
                _engine.Ok("DeviceAdmin/DetachDevice", new { volume_id = volume });
                return () => Delete(volume);
            default:
                Fill($"/mnt/{place}/large");
                return () => _guest.Run($"rm /mnt/{place}/large; fstrim /mnt/{place}");
        }
    }

    private void Finish(string disk, int rounds)
    {
        Verify();
        foreach (var kind in FileSystems.Split(' '))
        {
            var device = _guest.Run($"end {kind}-writer TERM; findmnt -no SOURCE /mnt/{kind}; umount /mnt/{kind}").Trim();
            var check = kind == "ext4" ? "e2fsck -fn" : "xfs_repair -n";
            _guest.Run($"{check} {device}; mount {device} /mnt/{kind}; {Verification(kind)}; umount /mnt/{kind}", 300);
        }
        var waited = Status().GetProperty("spaceWait").GetString();
        output.WriteLine($"{rounds} rounds, {string.Join(" and ", Written())} files fsynced, writes waited {waited}");
        End(disk);
    }

    private void End(string disk)
    {
        foreach (var device in _engine.Ok("DeviceAdmin/ListDevices", new { }).GetProperty("devices").EnumerateArray())
            _engine.Ok("DeviceAdmin/DetachDevice", new { volume_id = device.GetProperty("volumeId").GetString() });
        _program.Terminate();
        _guest.Halt();
        Assert.Empty(Support.Program.Json("pool", "check", disk).GetProperty("findings").EnumerateArray());
    }

    private void Verify()
    {
        foreach (var kind in FileSystems.Split(' '))
        {
            var writer = $"$(cat /run/{kind}-writer.pid)";
            _guest.Run($"kill -STOP {writer}; {Verification(kind)}; kill -CONT {writer}", 300);
        }
    }

    private static string Verification(string kind) =>
        $"sync -f /mnt/{kind}; echo 3 >/proc/sys/vm/drop_caches; {Writer} verify /mnt/{kind} /run/{kind}.log";

    private string Start(int diskMiB)
    {
        var disk = _directory.SparseFile("disk", (long)diskMiB << 20);
        _ = Support.Program.Json("pool", "format", disk);
        _guest = GuestKernel.Boot(_directory, new GuestOptions { Disks = [disk], Modules = GuestModules.Nbd });
        _program = GuestProgram.Serve(
            _guest, "engine", "engine", "--pool", PoolArgument, "--socket", "/run/csithin/engine.sock",
            "--state-dir", "/run/csithin/state");
        _engine = GuestCsiClient.OfEngine(_guest, _directory, "/run/csithin/engine.sock");
        _pool = _engine.Ok("PoolAdmin/ListPools", new { }).GetProperty("pools")[0].GetProperty("uuid").GetString()!;
        return disk;
    }

    private string Create(string name, long sizeMiB, string source = "", bool isSnapshot = false) => _engine.Ok(
        "VolumeAdmin/CreateVolume",
        new
        {
            pool_uuid = _pool,
            name,
            size_bytes = sizeMiB << 20,
            source_id = source,
            is_snapshot = isSnapshot,
        }).GetProperty("id").GetString()!;

    private (string Volume, string Device) Attach(string volume) =>
        (volume, _engine.Ok("DeviceAdmin/AttachDevice", new { volume_id = volume, block_bytes = 512 }).GetProperty("path").GetString()!);

    private void Delete(string volume) => _engine.Ok("VolumeAdmin/DeleteVolume", new { id = volume });

    private void Fill(string path) =>
        _guest.Run($"dd if=/dev/zero of={path} bs=1M count={HeldMiB} oflag=direct status=none");

    private JsonElement Status() => _engine.Ok("PoolAdmin/GetPool", new { pool_uuid = _pool });

    private int[] Written() => [.. FileSystems.Split(' ').Select(
        kind => int.Parse(_guest.Run($"! grep error /run/{kind}.log >&2; grep -c done /run/{kind}.log"), CultureInfo.InvariantCulture))];

    private void Until(string what, Func<bool> condition) =>
        Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(90)), $"never: {what}; {Status()}\n{_program.Errors}");
}
