using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// Issue 4, part 7: the processes are ended under a mounted volume, in order and not. Each test ends with no device left and a sound pool.
/// </summary>
public sealed class ShutdownTests : IDisposable
{
    private const string EngineSocket = "/run/csithin/engine.sock";
    private const string CsiSocket = "/run/csi.sock";
    private const string Kubelet = "/run/kubelet";

    private static readonly object Mount = new { mount = new { fs_type = "ext4" }, access_mode = new { mode = "SINGLE_NODE_WRITER" } };

    private readonly TempDirectory _directory = new();
    private readonly string _disk;
    private readonly GuestKernel _guest;
    private GuestProgram _engine = null!;
    private GuestProgram _node = null!;
    private GuestCsiClient _csi = null!;

    public ShutdownTests()
    {
        _disk = _directory.SparseFile("disk", 512 << 20);
        _ = Support.Program.Json("pool", "format", _disk);
        _guest = GuestKernel.Boot(_directory, new GuestOptions { Disks = [_disk], MemoryMiB = 768, Modules = GuestModules.Nbd });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Asked_to_stop_it_serves_on_until_the_last_unmount_unless_somebody_insists(bool isNodeApart)
    {
        Start(isNodeApart);
        var volume = Create("data");
        var other = Create("other");
        var log = $"{Publish(volume)}/log";
        _guest.Run($$"""
            start writer bash -c 'until [ -e /run/enough ]; do echo $((++i)) >>{{log}}; sync {{log}} || exit 1; done; echo $i'
            await 20 holds {{log}} 5
            """);
        AskToStop();
        AwaitLines(log);
        var refusal = _csi.Refused("UNAVAILABLE", "Node/NodeStageVolume", Stage(other));
        Assert.Contains("the engine is stopping", refusal, StringComparison.Ordinal);
        _guest.Run($"""
            kill -TERM {_engine.ProcessId}
            await 30 gone {_engine.ProcessId}
            holds /run/engine.err "Stopping with 1 device(s) attached, whose I/O waits for the next engine: volume 'data' on /dev/nbd"
            sleep 1
            ! gone $(cat /run/writer.pid)
            """);

        StartEngine(isNodeApart);
        AwaitLines(log);
        AskToStop();
        // What is there already may be asked for again, and how full it is.
        Publish(volume);
        _csi.Ok("Node/NodeGetVolumeStats", new { volume_id = volume, volume_path = Target(volume) });
        // Every line was fsynced before the next was written.
        _guest.Run($"""
            touch /run/enough
            await 20 gone $(cat /run/writer.pid)
            cat /run/writer.err
            echo 3 >/proc/sys/vm/drop_caches
            seq $(cat /run/writer.out) | cmp - {log}
            """);
        Unpublish(volume);
        _guest.Run($"await 30 gone {_engine.ProcessId}");
        End();
    }

    [Fact]
    public void A_volume_is_written_while_its_node_dies_and_unmounted_when_it_is_gone()
    {
        Start(isNodeApart: true);
        var volume = Create("data");
        var target = Publish(volume);
        _guest.Run($"""
            start fio fio --name=node --directory={target} --size=32M --rw=randwrite --bs=16k --iodepth=4 --ioengine=libaio --direct=1 \
                --verify=crc32c --verify_fatal=1 --verify_backlog=100 --time_based --runtime=3600
            """);
        for (var death = 0; death < 2; death++)
        {
            _node.Kill();
            _guest.Run("sleep 1; kill -0 $(cat /run/fio.pid)");
            StartNode();
        }

        _guest.Run("end fio INT");
        Assert.Contains("err= 0", _guest.Run("cat /run/fio.out /run/fio.err"), StringComparison.Ordinal);
        _node.Kill();
        _guest.Run($"umount {target}; umount {Staging(volume)}");
        // The engine has nobody left to tell it, and dies as well: the next two know of the device and not of a mount.
        _engine.Kill();
        Start(isNodeApart: true);
        Assert.NotEmpty(Devices());
        Unpublish(volume);
        _csi.Ok("Controller/DeleteVolume", new { volume_id = volume });
        // Nothing is attached any more, so it ends at once.
        _engine.Terminate();
        Assert.DoesNotContain("Asked to stop", End(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _guest.Dispose();
        _directory.Dispose();
    }

    private static string Staging(string volume) => $"{Kubelet}/plugins/kubernetes.io/csi/thin.csithin.io/{volume}/globalmount";

    private static string Target(string volume) => $"{Kubelet}/pods/pod/volumes/kubernetes.io~csi/{volume}/mount";

    private static object Stage(string volume) =>
        new { volume_id = volume, staging_target_path = Staging(volume), volume_capability = Mount };

    private void Start(bool isNodeApart)
    {
        _guest.Run($"mkdir -p {Kubelet}");
        StartEngine(isNodeApart);
        if (isNodeApart)
            StartNode();
    }

    /// <summary>An engine, or both in one process under an engine's name, so that its log is where an engine's is.</summary>
    private void StartEngine(bool isNodeApart)
    {
        string[] pool = ["--pool", "fast=/dev/ubda", "--socket", $"unix://{EngineSocket}", "--state-dir", "/run/state/engine"];
        string[] csi = ["--endpoint", $"unix://{CsiSocket}", "--node-id", "guest", "--kubelet-dir", Kubelet];
        _engine = GuestProgram.Serve(_guest, "engine", isNodeApart ? ["engine", .. pool] : ["serve", .. pool, .. csi]);
        if (!isNodeApart)
            _csi = new GuestCsiClient(_guest, _directory, CsiSocket);
    }

    private void StartNode()
    {
        _node = GuestProgram.Serve(
            _guest, "node", "node", "--endpoint", $"unix://{CsiSocket}", "--engine", $"unix://{EngineSocket}", "--node-id", "guest",
            "--kubelet-dir", Kubelet, "--state-dir", "/run/state/node");
        _csi = new GuestCsiClient(_guest, _directory, CsiSocket);
    }

    /// <summary>A first SIGTERM, which it answers with what is left.</summary>
    private void AskToStop()
    {
        _guest.Run($"kill -TERM {_engine.ProcessId}; await 20 holds /run/engine.err 'Asked to stop'");
        Assert.Matches("serving on until 1 device\\(s\\) are detached: volume 'data' on /dev/nbd[0-9]+\n", _engine.Errors);
    }

    /// <summary>The writer writes some more.</summary>
    private void AwaitLines(string log) => _guest.Run($$"""
        before=$(wc -l <{{log}})
        further() { [ "$(wc -l <{{log}})" -gt $((before + 5)) ]; }
        await 60 further
        """);

    /// <summary>The engine has ended, and left nothing. Returns what it said.</summary>
    private string End()
    {
        Assert.Empty(Devices());
        foreach (var bad in new[] { "I/O error", "EXT4-fs error", "blocked for more" })
            Assert.DoesNotContain(bad, _guest.Run("dmesg"), StringComparison.Ordinal);
        Assert.Empty(_guest.Run("grep /dev/nbd /proc/mounts || true"));
        var said = _engine.Errors;
        _guest.Halt();
        Assert.DoesNotContain("fail:", said, StringComparison.Ordinal);
        Assert.Empty(Support.Program.Json("pool", "check", _disk).GetProperty("findings").EnumerateArray());
        return said;
    }

    private string Devices() => _guest.Run("cat /sys/block/nbd*/backend 2>/dev/null || true");

    private string Create(string name) => _csi.Ok("Controller/CreateVolume", new
    {
        name,
        capacity_range = new { required_bytes = 64 << 20 },
        volume_capabilities = new[] { Mount },
    }).GetProperty("volume").GetProperty("volumeId").GetString()!;

    private string Publish(string volume)
    {
        _csi.Ok("Node/NodeStageVolume", Stage(volume));
        _guest.Run($"mkdir -p {Path.GetDirectoryName(Target(volume))}");
        _csi.Ok("Node/NodePublishVolume", new
        {
            volume_id = volume,
            staging_target_path = Staging(volume),
            target_path = Target(volume),
            volume_capability = Mount,
        });
        return Target(volume);
    }

    private void Unpublish(string volume)
    {
        _csi.Ok("Node/NodeUnpublishVolume", new { volume_id = volume, target_path = Target(volume) });
        _csi.Ok("Node/NodeUnstageVolume", new { volume_id = volume, staging_target_path = Staging(volume) });
    }
}
