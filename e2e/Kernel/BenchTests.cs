using System.Globalization;
using System.Text.Json;
using CsiThin.EndToEnd.Support;
using Xunit;
using Xunit.Abstractions;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// Issue 4, "Measured and printed": our device beside the kernel's own dm-thin and beside qemu-nbd over the kernel's NBD client, all in one
/// guest on one disk, a slice of it each, with blocks of 64 KiB that are written already. Printed, never asserted; <c>e2e/guest-bench</c>
/// takes longer for it, and shows it.
/// </summary>
public sealed class BenchTests(ITestOutputHelper output)
{
    private const string Ours = "ours";
    private const string Socket = "/run/csithin/engine.sock";
    private const string NbdSocket = "/run/csithin/nbd.sock";

    private static readonly (string Name, string Options)[] s_patterns =
    [
        ("4 KiB random read x16", "--rw=randread --bs=4k --iodepth=16"),
        ("4 KiB random write x16", "--rw=randwrite --bs=4k --iodepth=16"),
        ("128 KiB read x8", "--rw=read --bs=128k --iodepth=8"),
        ("128 KiB write x8", "--rw=write --bs=128k --iodepth=8"),
    ];

    /// <summary>How long each pattern runs on each device in a round.</summary>
    private static int Seconds => Number("CSITHIN_BENCH_SECONDS", 1);

    /// <summary>How often everything is run, one device after the other; the median counts.</summary>
    private static int Rounds => Number("CSITHIN_BENCH_ROUNDS", 1);

    [Fact]
    public void Our_device_is_measured_beside_dm_thin_and_qemu_nbd()
    {
        using var directory = new TempDirectory();
        using var guest = GuestKernel.Boot(directory, new GuestOptions
        {
            MemoryMiB = 1024,
            Disks = [directory.SparseFile("disk", 6L << 30)],
            Modules = GuestModules.Nbd | GuestModules.DmThin,
        });
        guest.Run("""
            slice() { dmsetup create "$1" --table "0 3145728 linear /dev/ubda $(($2 * 3145728))"; }
            slice pool 0
            slice thin-data 1
            slice qcow2 2
            slice raw 3
            """);
        var devices = new Dictionary<string, string>(StringComparer.Ordinal);
        StartOurs(guest, directory, devices);
        StartOthers(guest, devices);
        foreach (var path in devices.Values)
            guest.Run($"fio --name=fill --filename={path} --size=256M --rw=write --bs=1M --iodepth=4 --ioengine=libaio --direct=1");
        foreach (var (name, options) in s_patterns)
            Print(name, Measure(guest, devices, options));
    }

    /// <summary>
    /// Our own attachment, and the same pool's volumes by nbd-client on one socket and on four, which is what more sockets would bring.
    /// </summary>
    private static void StartOurs(GuestKernel guest, TempDirectory directory, Dictionary<string, string> devices)
    {
        var format = guest.Run(GuestProgram.Command("pool", "format", "/dev/mapper/pool", "-o", "json"));
        var pool = JsonDocument.Parse(format).RootElement.GetProperty("uuid").GetString()!;
        _ = GuestProgram.Serve(
            guest, "engine", "engine", "--pool", "fast=/dev/mapper/pool", "--socket", Socket, "--nbd", NbdSocket, "--state-dir",
            directory.File("state"));
        var client = GuestCsiClient.OfEngine(guest, directory, Socket);
        string Create(string name) => client.Ok("VolumeAdmin/CreateVolume", new { pool_uuid = pool, name, size_bytes = 256L << 20 })
            .GetProperty("id").GetString()!;
        devices[Ours] = client.Ok("DeviceAdmin/AttachDevice", new { volume_id = Create("attached"), block_bytes = 512 })
            .GetProperty("path").GetString()!;
        foreach (var (sockets, path) in new[] { (1, "/dev/nbd11"), (4, "/dev/nbd12") })
        {
            guest.Run($"nbd-client -unix {NbdSocket} -N {Create($"sockets-{sockets}")} -C {sockets} -b 512 {path}");
            devices[string.Create(CultureInfo.InvariantCulture, $"ours by nbd-client, {sockets} socket(s)")] = path;
        }
    }

    private static void StartOthers(GuestKernel guest, Dictionary<string, string> devices)
    {
        guest.Run("""
            dmsetup create thin-meta --table "0 32768 linear /dev/mapper/thin-data 0"
            dmsetup create thin-blocks --table "0 3112960 linear /dev/mapper/thin-data 32768"
            dd if=/dev/zero of=/dev/mapper/thin-meta bs=4k count=1 oflag=direct status=none
            dmsetup create thin-pool --table "0 3112960 thin-pool /dev/mapper/thin-meta /dev/mapper/thin-blocks 128 0"
            dmsetup message /dev/mapper/thin-pool 0 "create_thin 0"
            dmsetup create thin --table "0 524288 thin /dev/mapper/thin-pool 0"
            mkdir -p /run/lock # where /var/lock leads: qemu-nbd has a socket there
            qemu-img create -q -f qcow2 /dev/mapper/qcow2 256M
            start qcow2 qemu-nbd -c /dev/nbd13 -f qcow2 --cache=none --aio=io_uring /dev/mapper/qcow2
            start raw qemu-nbd -c /dev/nbd14 -f raw --cache=none --aio=io_uring /dev/mapper/raw
            attached() { [ "$(cat /sys/block/nbd13/size)" -gt 0 ] && [ "$(cat /sys/block/nbd14/size)" -gt 0 ]; }
            await 120 attached || { cat /run/qcow2.err /run/raw.err; exit 1; }
            """);
        devices["dm-thin"] = "/dev/mapper/thin";
        devices["qemu-nbd, qcow2"] = "/dev/nbd13";
        devices["qemu-nbd, raw"] = "/dev/nbd14";
    }

    /// <summary>Requests a second on each device, the median of the rounds.</summary>
    private static Dictionary<string, double> Measure(GuestKernel guest, Dictionary<string, string> devices, string options)
    {
        var rates = devices.Keys.ToDictionary(name => name, _ => new List<double>(), StringComparer.Ordinal);
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var (name, path) in devices)
            {
                var said = guest.Run(
                    $"fio --name=bench --filename={path} --size=256M --ioengine=libaio --direct=1 --time_based --runtime={Seconds} "
                    + $"{options} --output-format=json");
                var job = JsonDocument.Parse(said[said.IndexOf('{', StringComparison.Ordinal)..]).RootElement.GetProperty("jobs")[0];
                rates[name].Add(Math.Max(Rate(job, "read"), Rate(job, "write")));
            }
        }

        return rates.ToDictionary(pair => pair.Key, pair => pair.Value.Order().ElementAt(pair.Value.Count / 2), StringComparer.Ordinal);
    }

    private void Print(string pattern, Dictionary<string, double> rates)
    {
        Assert.All(rates, rate => Assert.True(rate.Value > 0, $"nothing was done on {rate.Key}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{pattern}: {Ours} {rates[Ours]:0} requests a second, which is"));
        foreach (var (name, rate) in rates.Where(rate => rate.Key != Ours))
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {rates[Ours] / rate:0.00} of {name} ({rate:0})"));
    }

    private static double Rate(JsonElement job, string side) => job.GetProperty(side).GetProperty("iops").GetDouble();

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), out var number) ? number : otherwise;
}
