using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>The guest itself: what every test in it counts on.</summary>
public sealed class GuestTests : IDisposable
{
    private const string PoolArgument = "fast=/dev/ubda";
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Our_server_and_a_foreign_client_talk_in_a_guest_whose_power_is_cut()
    {
        var disk = _directory.SparseFile("disk", 256 << 20);
        _ = Support.Program.Json("pool", "format", disk);
        using var guest = GuestKernel.Boot(_directory, new GuestOptions { Disks = [disk], Modules = GuestModules.Nbd });
        string[] serve =
        [
            "serve", "--endpoint", "unix:///run/csi.sock", "--node-id", "guest", "--pool", PoolArgument,
            "--state-dir", "/run/csithin/state",
        ];
        _ = GuestProgram.Serve(guest, "serve", serve);
        var client = new GuestCsiClient(guest, _directory, "/run/csi.sock");
        var created = client.Ok("Controller/CreateVolume", new
        {
            name = "web",
            capacity_range = new { required_bytes = 64 << 20 },
            volume_capabilities = new[] { new { mount = new { }, access_mode = new { mode = "SINGLE_NODE_WRITER" } } },
        });
        guest.CutPower();
        guest.Boot();
        var program = GuestProgram.Serve(guest, "serve", serve);
        client = new GuestCsiClient(guest, _directory, "/run/csi.sock");
        var listed = client.Ok("Controller/ListVolumes", new { }).GetProperty("entries")[0].GetProperty("volume");
        Assert.Equal(created.GetProperty("volume").GetProperty("volumeId").GetString(), listed.GetProperty("volumeId").GetString());
        program.Terminate();
        guest.Halt();
        Assert.Equal("web", Support.Program.Json("volume", "list", disk)[0].GetProperty("name").GetString());
    }

    [Fact]
    public void A_failing_script_fails_and_a_beside_one_goes_on()
    {
        using var guest = GuestKernel.Boot(_directory, new GuestOptions { MemoryMiB = 128 });
        var slow = guest.Start("sleep 1; echo slow");
        Assert.Equal((3, "before\n"), guest.TryRun("echo before; (exit 3); echo after"));
        Assert.Equal((0, "slow\n"), slow.Wait(30));
    }
}
