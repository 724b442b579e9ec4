using System.Diagnostics;
using System.Globalization;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>Issue 4, part 4: the engine dies, again and again, under those who use its devices, and they do not notice.</summary>
[Trait(GuestBuild.Trait, GuestBuild.Both)]
public sealed class DeathTests(DeviceFixture fixture, ITestOutputHelper output) : IClassFixture<DeviceFixture>
{
    private const int DeathsDefault = 4;
    private const int LimitSeconds = 120;

    // The kernel's own timer for what was sent before the death is 30 s, ours 1 s: half of the former tells them apart on any machine.
    private const double PauseSecondsMax = 15;

    private readonly DeviceGuest _guest = fixture.Guest;
    private readonly Random _random = TestSeed.NewRandom(output);

    /// <summary>How often the engine is killed; more with CSITHIN_DEATHS.</summary>
    private static int Deaths =>
        int.TryParse(Environment.GetEnvironmentVariable("CSITHIN_DEATHS"), out var deaths) ? deaths : DeathsDefault;

    [Fact]
    public void Fio_finds_every_acknowledged_write_however_often_the_engine_is_killed()
    {
        var volume = _guest.CreateVolume("fio", 256 << 20);
        var path = _guest.Attach(volume);
        // Every write is read back and compared some hundreds of writes later: through new mappings, and through shared ones that break.
        _guest.Kernel.Run($"""
            start fio fio --name=death --filename={path} --size=192M --rw=randwrite --bsrange=4k-128k --iodepth=16 --ioengine=libaio \
                --direct=1 --verify=crc32c --verify_fatal=1 --verify_backlog=300 --time_based --runtime=3600 --randseed={_random.Next()}
            """);
        for (var death = 1; death <= Deaths; death++)
        {
            KillSometime(death, "fio");
            if (death % 3 == 2)
                _guest.CreateSnapshot($"fio-{death}", volume);
        }

        _guest.Kernel.Run($"await_writes {LimitSeconds} 500 {path}; end fio INT");
        var said = _guest.Kernel.Run("cat /run/fio.out /run/fio.err");
        Assert.Contains("err= 0", said, StringComparison.Ordinal);
        Assert.DoesNotContain("verify:", said, StringComparison.Ordinal);
        _guest.AssertNothingFailed();
        _guest.Detach(volume);
        Assert.DoesNotContain(volume, _guest.Kernel.Run("cat /sys/block/nbd*/backend 2>/dev/null || true"), StringComparison.Ordinal);
    }

    [Fact]
    public void File_systems_and_every_fsynced_file_survive_the_engine_being_killed()
    {
        string[] kinds = ["ext4", "xfs"];
        var volumes = kinds.ToDictionary(kind => kind, kind => _guest.CreateVolume($"stress-{kind}", 400 << 20));
        foreach (var (kind, volume) in volumes)
        {
            _guest.Kernel.Run($"""
                path={_guest.Attach(volume)}
                mkfs.{kind} -q $path
                mkdir /mnt/{kind}
                mount $path /mnt/{kind}
                rm -f /run/stop
                start {kind} {DeviceGuest.FsStress} run /mnt/{kind} /run/{kind}.log /run/stop {_random.Next()}
                """);
        }

        for (var death = 1; death <= Deaths; death++)
            KillSometime(death, kinds);
        foreach (var kind in kinds)
            _guest.Kernel.Run($"await_writes {LimitSeconds} 100 $(findmnt -no SOURCE /mnt/{kind})");
        _guest.Kernel.Run("touch /run/stop");
        foreach (var (kind, volume) in volumes)
        {
            var check = kind == "ext4" ? "e2fsck -fn" : "xfs_repair -n";
            var said = _guest.Kernel.Run($"""
                await {LimitSeconds} gone "$(cat /run/{kind}.pid)"
                cat /run/{kind}.out /run/{kind}.err
                holds /run/{kind}.out ' files$'
                device=$(findmnt -no SOURCE /mnt/{kind})
                umount /mnt/{kind}
                last 3 {check} $device
                mount $device /mnt/{kind}
                {DeviceGuest.FsStress} check /mnt/{kind} /run/{kind}.log
                umount /mnt/{kind}
                """);
            output.WriteLine(said);
            Assert.Matches("(?m)^[1-9][0-9]* durable files are whole$", said);
            _guest.Detach(volume);
        }

        _guest.AssertNothingFailed();
    }

    [Fact]
    public void Fifty_devices_go_on_within_moments_of_the_engines_return()
    {
        const int Devices = 50;
        var paths = _guest.AttachMany("many", Devices, 16 << 20);
        _guest.Kernel.Run($"""
            rm -f /run/stop
            start writers /usr/bin/python3 {DeviceGuest.Helper("many_writers.py")} /run/stop {string.Join(' ', paths.Values)}
            await_writes {LimitSeconds} 3 {string.Join(' ', paths.Values)}
            """);
        _guest.Engine.Kill();
        var started = Seconds("date +%s.%N");
        _guest.StartEngine();
        // The longest pause of each device is this one.
        var said = _guest.Kernel.Run($"""
            await_writes {LimitSeconds} 3 {string.Join(' ', paths.Values)}
            touch /run/stop
            await {LimitSeconds} gone "$(cat /run/writers.pid)"
            cat /run/writers.out /run/writers.err
            """).Split(' ');
        Assert.Equal(Devices, int.Parse(said[2], CultureInfo.InvariantCulture));
        var last = double.Parse(said[1], CultureInfo.InvariantCulture);
        var connected = Seconds("date -d $(grep 'is served again' /run/engine.err | tail -1 | cut -d' ' -f1) +%s.%N");
        var first = Seconds("date -d $(grep 'is served again' /run/engine.err | head -1 | cut -d' ' -f1) +%s.%N");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Devices} devices: from the engine's start to the first reconnected {first - started:0.00} s, to the last "
            + $"{connected - started:0.00} s, which is {connected - first:0.00} s after the first; the last pause of any device ended "
            + $"{last - connected:0.00} s after that; the longest, with the engine's absence, took {said[3].Trim()} s"));
        Assert.InRange(last - connected, double.MinValue, PauseSecondsMax);
        _guest.AssertNothingFailed();
        _ = _guest.Client.OkAll("DeviceAdmin/DetachDevice", paths.Keys.Select(volume => new { volume_id = volume }));
    }

    [Fact]
    public void A_device_whose_socket_dies_alone_is_healed()
    {
        var volume = _guest.CreateVolume("lonely", 16 << 20);
        var path = _guest.Attach(volume);
        var process = _guest.Engine.ProcessId;
        // Of the engine's connected sockets, the ends of socketpairs are those without a name.
        var said = _guest.Kernel.Run($$"""
            before=$(grep -c 'is served again' /run/engine.err || true)
            for descriptor in $(find /proc/{{process}}/fd -lname 'socket:*' -printf '%f\n'); do
                inode=$(readlink /proc/{{process}}/fd/$descriptor | tr -dc 0-9)
                if awk -v inode="$inode" '$7 == inode && $6 == "03" && NF == 7 { found = 1 } END { exit !found }' /proc/net/unix; then
                    /usr/bin/python3 {{DeviceGuest.Helper("kill_socket.py")}} {{process}} $descriptor
                fi
            done
            again() { [ "$(grep -c 'is served again' /run/engine.err)" -gt "$before" ]; }
            await {{LimitSeconds}} again
            dd if=/dev/urandom of={{path}} bs=1M count=4 oflag=direct status=none
            dd if={{path}} of=/dev/null bs=1M iflag=direct status=none
            tail -2 /run/engine.err
            """);
        output.WriteLine(said);
        _guest.AssertNothingFailed();
        _guest.RestartEngine();
        _guest.Detach(volume);
    }

    [Fact]
    public void A_damaged_journal_is_set_aside_and_the_kernels_devices_are_kept()
    {
        var volume = _guest.CreateVolume("kept", 32 << 20);
        var path = _guest.Attach(volume, blockBytes: 4096);
        _guest.Kernel.Run($"mkfs.ext4 -q {path}; mkdir -p /mnt/kept; mount {path} /mnt/kept; echo kept >/mnt/kept/file");
        _guest.Engine.Kill();
        var journal = $"{_guest.StateDirectory}/attachments";
        _guest.Kernel.Run($"(echo; echo garbage; cat {journal}; echo more; echo of it) >{journal}.x; mv {journal}.x {journal}");
        _guest.StartEngine();
        Assert.Equal("kept\n", _guest.Kernel.Run("sync; echo 3 >/proc/sys/vm/drop_caches; cat /mnt/kept/file"));
        Assert.Contains("garbage", _guest.Kernel.Run($"cat {journal}.corrupt-1"), StringComparison.Ordinal);
        Assert.Contains("was damaged", _guest.Engine.Errors, StringComparison.Ordinal);
        Assert.Contains(volume, _guest.Kernel.Run($"cat {journal}"), StringComparison.Ordinal);
        _guest.Refused("FAILED_PRECONDITION", "DeviceAdmin/DetachDevice", new { volume_id = volume });
        _guest.Kernel.Run("umount /mnt/kept");
        _guest.Detach(volume);
        Assert.DoesNotContain(volume, _guest.Kernel.Run($"tail -n 1 {journal} | grep attach || true"), StringComparison.Ordinal);
    }

    /// <summary>Kills the engine at a random moment and starts it again, while the programs run.</summary>
    private void KillSometime(int death, params string[] running)
    {
        var waitSeconds = (_random.Next(100, 2000) / 1000.0).ToString("0.000", CultureInfo.InvariantCulture);
        _guest.Kernel.Run($"sleep {waitSeconds}");
        foreach (var name in running)
            _guest.Kernel.Run($"kill -0 $(cat /run/{name}.pid) || {{ tail -50 /run/{name}.out /run/{name}.err; exit 1; }}");
        var watch = Stopwatch.StartNew();
        _guest.RestartEngine();
        output.WriteLine($"death {death}: ready again after {watch.ElapsedMilliseconds} ms");
    }

    private double Seconds(string script) => double.Parse(_guest.Kernel.Run(script), CultureInfo.InvariantCulture);
}
