using System.Globalization;
using System.Text.Json;
using CsiThin.Core.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// Issue 4, part 4: a volume deleted, a device grown, a snapshot or a clone made right before the engine is killed ends up wholly done or
/// wholly not, while another volume's writer goes on. What was answered is done. More rounds with CSITHIN_DEATHS.
/// </summary>
public sealed class VerbDeathTests(DeviceFixture fixture, ITestOutputHelper output) : IClassFixture<DeviceFixture>
{
    private const int RoundsDefault = 8;
    private const int ContentMiB = 4;
    private const long MiB = 1 << 20;

    // The four verbs take ten to thirty milliseconds in the guest, with the first call of their client.
    private const int DelayMsMax = 50;

    private readonly DeviceGuest _guest = fixture.Guest;
    private readonly Random _random = TestSeed.NewRandom(output);

    [Fact]
    public void Verbs_right_before_a_kill_are_wholly_done_or_wholly_not()
    {
        var rounds = int.TryParse(Environment.GetEnvironmentVariable("CSITHIN_DEATHS"), out var many) ? many : RoundsDefault;
        var busy = _guest.CreateVolume("busy", 64 * MiB);
        _guest.Kernel.Run($"""
            start fio fio --name=busy --filename={_guest.Attach(busy)} --size=48M --rw=randwrite --bs=16k --iodepth=4 --ioengine=libaio \
                --direct=1 --verify=crc32c --verify_fatal=1 --verify_backlog=200 --time_based --runtime=3600 --randseed={_random.Next()}
            """);
        var origin = _guest.CreateVolume("origin", 16 * MiB);
        var device = _guest.Attach(origin);
        var content = Write(device);
        for (var round = 1; round <= rounds; round++)
            Round(round, origin, device, content);

        _guest.Kernel.Run("end fio INT");
        Assert.Contains("err= 0", _guest.Kernel.Run("cat /run/fio.out /run/fio.err"), StringComparison.Ordinal);
        _guest.Detach(origin);
        _guest.Detach(busy);
        Assert.Equal("", _guest.Kernel.Run("cat /sys/block/nbd*/backend 2>/dev/null || true"));
        _guest.AssertNothingFailed();
        _guest.Engine.Terminate();
        _guest.Kernel.Halt();
        Assert.Empty(Support.Program.Json("pool", "check", _guest.Disk).GetProperty("findings").EnumerateArray());
    }

    private void Round(int round, string origin, string device, string content)
    {
        var victim = _guest.CreateVolume("victim", 16 * MiB);
        var victimContent = Write(_guest.Attach(victim));
        _guest.Detach(victim);
        var oldBytes = SizeOf(origin)!.Value;
        var newBytes = oldBytes + MiB;
        (string Method, object Request)[] verbs =
        [
            ("VolumeAdmin/CreateVolume", new { pool_uuid = _guest.PoolUuid, name = "snapshot", is_snapshot = true, source_id = origin }),
            ("VolumeAdmin/ResizeVolume", new { id = origin, size_bytes = newBytes }),
            ("VolumeAdmin/DeleteVolume", new { id = victim }),
            ("VolumeAdmin/CreateVolume", new { pool_uuid = _guest.PoolUuid, name = "clone", size_bytes = newBytes, source_id = origin }),
        ];
        var delayMs = _random.Next(DelayMsMax);
        var seconds = (delayMs / 1000.0).ToString("0.000", CultureInfo.InvariantCulture);
        var answers = _guest.Client.Codes(verbs, $"sleep {seconds}; kill -9 {_guest.Engine.ProcessId}");
        var done = answers.TakeWhile(code => code == "OK").Count();
        _guest.RestartEngine();

        var volumes = _guest.ListVolumes().ToDictionary(volume => volume.GetProperty("name").GetString()!);
        bool[] happened =
        [
            volumes.ContainsKey("snapshot"), SizeOf(origin) == newBytes, !volumes.ContainsKey("victim"), volumes.ContainsKey("clone"),
        ];
        output.WriteLine($"round {round}: killed after {delayMs} ms, {done} answered, done: {string.Join(' ', happened)}");
        Assert.All(happened.Take(done), Assert.True);
        Assert.Equal(happened.OrderDescending(), happened);
        Assert.True(SizeOf(origin) == oldBytes || SizeOf(origin) == newBytes);
        _guest.Kernel.Run($"sized() {{ [ $(blockdev --getsize64 {device}) -eq {SizeOf(origin)} ]; }}; await 20 sized");
        AssertContent(volumes, "snapshot", content);
        AssertContent(volumes, "clone", content);
        AssertContent(volumes, "victim", victimContent);
        foreach (var volume in volumes.Values.Where(one => one.GetProperty("name").GetString() is "snapshot" or "clone" or "victim"))
            _guest.Ask("VolumeAdmin/DeleteVolume", new { id = volume.GetProperty("id").GetString() });
        Assert.Equal(2, _guest.Kernel.Run("cat /sys/block/nbd*/backend").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    /// <summary>Random content at the start of a device; returns its checksum.</summary>
    private string Write(string device) => _guest.Kernel.Run($"""
        dd if=/dev/urandom of={device} bs=1M count={ContentMiB} oflag=direct conv=fsync status=none
        {Checksum(device)}
        """);

    private void AssertContent(Dictionary<string, JsonElement> volumes, string name, string content)
    {
        if (!volumes.TryGetValue(name, out var volume))
            return;
        var id = volume.GetProperty("id").GetString()!;
        var isSnapshot = volume.TryGetProperty("isSnapshot", out var said) && said.GetBoolean();
        Assert.Equal(content, _guest.Kernel.Run(Checksum(_guest.Attach(id, readOnly: isSnapshot))));
        _guest.Detach(id);
    }

    private static string Checksum(string device) => $"dd if={device} bs=1M count={ContentMiB} iflag=direct status=none | sha256sum";

    private long? SizeOf(string volume) => _guest.ListVolumes()
        .Where(one => one.GetProperty("id").GetString() == volume)
        .Select(one => (long?)long.Parse(one.GetProperty("sizeBytes").GetString()!, CultureInfo.InvariantCulture))
        .SingleOrDefault();
}
