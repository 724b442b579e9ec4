using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// Issue 4, part 2: a host, or the place on it where we run, that can have no devices. Volumes are made all the same; what needs a device
/// is refused with the remedy in a sentence; and when nbd has been loaded, it works, without a restart.
/// </summary>
public sealed class UnfitHostTests : IClassFixture<BareGuest>
{
    private const string EngineSocket = "/run/csithin/engine.sock";
    private const string CsiSocket = "/run/csi.sock";
    private const string LoadNbd = "insmod $modules/drivers/block/nbd.ko max_part=0";

    private static readonly object Access = new { block = new { }, access_mode = new { mode = "SINGLE_NODE_WRITER" } };

    private readonly BareGuest _bare;
    private readonly GuestKernel _guest;

    public UnfitHostTests(BareGuest bare)
    {
        (_bare, _guest) = (bare, bare.Kernel);
        // Whatever a test before has left because it failed.
        _guest.Run("[ ! -e /run/serve.pid ] || end serve KILL; [ ! -e /sys/module/nbd ] || await 120 rmmod nbd");
    }

    [Theory]
    [InlineData("another network namespace", "unshare --net", "hostNetwork: true", true)]
    [InlineData("no CAP_SYS_ADMIN", "setpriv --bounding-set -sys_admin --inh-caps -sys_admin", "privileged container", false)]
    [InlineData("an old kernel", "setarch --uname-2.6", "Linux 5.14 or later", true)]
    public void Where_there_can_be_no_devices_they_are_refused_with_the_remedy(
        string what, string changer, string remedy, bool isKnownAtStart)
    {
        _guest.Run(LoadNbd);
        var program = Serve(changer);
        var (csi, engine) = Clients();
        AssertRefused(csi, engine, Create(csi, what), remedy);
        var (exitCode, said) = _guest.TryRun($"{changer} {GuestProgram.Command("node", "check", "--kubelet-dir", "/run/kubelet")}");
        Assert.Equal((what, 1), (what, exitCode));
        Assert.Contains(remedy, said, StringComparison.Ordinal);
        var atStart = _guest.Run("grep 'No volume can be a device now' /run/serve.err || true");
        Assert.Equal((what, isKnownAtStart), (what, atStart.Contains(remedy, StringComparison.Ordinal)));
        program.Terminate();
    }

    [Fact]
    public void Nbd_that_is_loaded_and_loaded_again_while_the_engine_runs_is_used_and_its_announcements_are_heard()
    {
        var program = Serve("");
        var (csi, engine) = Clients();
        var volume = Create(csi, "later");
        AssertRefused(csi, engine, volume, "modprobe nbd max_part=0");
        var hears = $$"""hears() { grep -qx 'nbd links' /proc/{{program.ProcessId}}/task/*/comm; }"""; // threads come and go
        for (var life = 1; life <= 2; life++)
        {
            _guest.Run($"{LoadNbd}; {hears}; await 120 hears");
            csi.Ok("Node/NodeStageVolume", Stage(volume));
            _guest.Run("dd if=/dev/urandom of=/dev/nbd0 bs=1M count=4 oflag=direct status=none");
            csi.Ok("Node/NodeUnstageVolume", new { volume_id = volume, staging_target_path = Staging(volume) });
            _guest.Run($$"""
                await 120 rmmod nbd
                {{hears}}
                deaf() { ! hears; }
                await 120 deaf
                """);
            AssertRefused(csi, engine, volume, "modprobe nbd max_part=0");
        }

        program.Terminate();
    }

    private static string Staging(string volume) => $"/run/kubelet/plugins/kubernetes.io/csi/thin.csithin.io/{volume}/globalmount";

    private static object Stage(string volume) =>
        new { volume_id = volume, staging_target_path = Staging(volume), volume_capability = Access };

    private static void AssertRefused(GuestCsiClient csi, GuestCsiClient engine, string volume, string remedy)
    {
        var attach = new { volume_id = volume, block_bytes = 512 };
        Assert.Contains(remedy, engine.Refused("FAILED_PRECONDITION", "DeviceAdmin/AttachDevice", attach), StringComparison.Ordinal);
        Assert.Contains(remedy, csi.Refused("FAILED_PRECONDITION", "Node/NodeStageVolume", Stage(volume)), StringComparison.Ordinal);
    }

    private static string Create(GuestCsiClient csi, string name) => csi.Ok("Controller/CreateVolume", new
    {
        name,
        capacity_range = new { required_bytes = 32 << 20 },
        volume_capabilities = new[] { Access },
    }).GetProperty("volume").GetProperty("volumeId").GetString()!;

    private GuestProgram Serve(string changer)
    {
        _guest.Run("mkdir -p /run/kubelet");
        return GuestProgram.ServeUnder(
            changer, _guest, "serve", "serve", "--pool", "fast=/dev/ubda", "--socket", EngineSocket, "--endpoint", $"unix://{CsiSocket}",
            "--node-id", "guest", "--kubelet-dir", "/run/kubelet", "--state-dir", "/run/state");
    }

    private (GuestCsiClient Csi, GuestCsiClient Engine) Clients() =>
        (new GuestCsiClient(_guest, _bare.Directory, CsiSocket), GuestCsiClient.OfEngine(_guest, _bare.Directory, EngineSocket));
}
