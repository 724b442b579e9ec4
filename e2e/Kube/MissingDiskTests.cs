using System.Text.Json;
using CsiThin.Driver.Tests.Kube;
using CsiThin.EndToEnd.Device;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kube;

/// <summary>
/// A declared pool whose disk is away when the engine starts, on real block devices. Disks come and go as their links below /dev do, like
/// those of udev, so that no other test takes the loop device meanwhile.
/// </summary>
public sealed class MissingDiskTests : IDisposable
{
    private const int DiskBytes = 128 << 20;

    private readonly TempDirectory _directory = new();
    private readonly string _links;
    private readonly LoopDevice _first;
    private readonly LoopDevice _second;
    private readonly string _file;

    public MissingDiskTests()
    {
        _links = Directory.CreateDirectory(Path.Combine("/dev", Path.GetFileName(_directory.Path))).FullName;
        _first = new LoopDevice(_directory.SparseFile("first", DiskBytes));
        _second = new LoopDevice(_directory.SparseFile("second", DiskBytes));
        _file = _directory.File("pools.yaml");
        File.WriteAllText(_file, $"pools: [{{name: fast, devices: {{paths: ['{At("first")}', '{At("second")}']}}}}]");
    }

    private string State => _directory.File("state");

    public void Dispose()
    {
        Directory.Delete(_links, recursive: true);
        _second.Dispose();
        _first.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task It_is_not_made_anew_on_another_disk_and_is_served_as_soon_as_its_disk_comes()
    {
        Plug("first", _first);
        string uuid;
        using (var engine = Engine())
        {
            uuid = Served(engine.Ready)!;
            Assert.Equal(0, engine.Terminate().ExitCode);
        }

        Unplug("first");
        Plug("second", _second);
        using (var engine = Engine())
        {
            Assert.Null(Served(engine.Ready));
            var plan = Plan();
            Assert.Equal("PoolMissing", plan.GetProperty("reason").GetString());
            Assert.Contains($"pool {uuid}, last on {At("first")}", plan.GetProperty("message").GetString(), StringComparison.Ordinal);

            Plug("first", _first);
            await Eventually.HoldsAsync(() => Support.Program.Json("pool", "served", "--engine", Socket).EnumerateArray().Any(pool =>
                pool.GetProperty("name").GetString() == "fast" && pool.GetProperty("uuid").GetString() == uuid), "the pool served");
            var (code, errors) = engine.Terminate();
            Assert.Equal(0, code);
            Assert.Contains($"Declared pool fast has come: it is served from {At("first")}", errors, StringComparison.Ordinal);
        }

        Assert.Equal("0", Tool.Run("stat", "-c", "%b", _directory.File("second")).Trim());
        using var again = Engine(); // both disks are there
        Assert.Equal(uuid, Served(again.Ready));
    }

    [Fact]
    public void A_lost_one_is_made_anew_when_that_is_said_and_the_old_disk_does_not_come_back_as_it()
    {
        Plug("first", _first);
        var lost = StartOnce();
        Unplug("first");
        Plug("second", _second);
        var forgotten = Support.Program.Json("pool", "forget", "fast", "--state-dir", State);
        Assert.Equal(lost, forgotten.GetProperty("uuid").GetString());
        var anew = StartOnce();
        Assert.NotNull(anew);
        Assert.NotEqual(lost, anew);
        Plug("first", _first);
        Assert.Equal(anew, StartOnce());
        var (code, _, errors) = Support.Program.Run("pool", "forget", "slow", "--state-dir", State);
        Assert.NotEqual(0, code);
        Assert.Contains("no declared pool 'slow' is remembered", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disk_and_its_copy_are_both_refused()
    {
        Plug("first", _first);
        var uuid = StartOnce();
        Tool.Run("dd", $"if={_first.Path}", $"of={_second.Path}", "bs=1M", "conv=fsync", "status=none");
        Plug("second", _second);
        Assert.Null(StartOnce());
        Assert.Equal(
            $"2 devices hold the same pool {uuid}: {At("first")}, {At("second")}; all but one are copies: take them away, or empty them",
            Plan().GetProperty("message").GetString());
        Unplug("second");
        Assert.Equal(uuid, StartOnce());
    }

    [Fact]
    public void A_memory_that_is_damaged_is_set_aside_and_nothing_is_formatted_that_time()
    {
        Directory.CreateDirectory(State);
        var memory = Path.Combine(State, "declared-pools.json");
        File.WriteAllText(memory, "{\"fast\": ");
        Plug("second", _second);
        using (var engine = Engine())
        {
            Assert.Null(Served(engine.Ready));
            var (code, errors) = engine.Terminate();
            Assert.Equal(0, code);
            Assert.Contains($"set aside as {memory}.corrupt-1", errors, StringComparison.Ordinal);
        }

        Assert.Equal("0", Tool.Run("stat", "-c", "%b", _directory.File("second")).Trim());
        Assert.NotNull(StartOnce());
    }

    private string Socket => _directory.File("engine.sock");

    private string At(string name) => Path.Combine(_links, name);

    private void Plug(string name, LoopDevice device) => File.CreateSymbolicLink(At(name), device.Path);

    private void Unplug(string name) => File.Delete(At(name));

    private Support.Program Engine() =>
        Support.Program.Serve("engine", "--pools", _file, "--socket", Socket, "--state-dir", State);

    // The uuid of the pool that an engine serves from its start, if it does.
    private string? StartOnce()
    {
        using var engine = Engine();
        var uuid = Served(engine.Ready);
        Assert.Equal(0, engine.Terminate().ExitCode);
        return uuid;
    }

    private JsonElement Plan() => JsonDocument.Parse(
        Support.Program.Run("pool", "declare", _file, "-o", "json", "--state-dir", State).Output).RootElement[0];

    private static string? Served(JsonElement ready) => ready.GetProperty("pools").EnumerateArray()
        .Where(pool => pool.GetProperty("name").GetString() == "fast")
        .Select(pool => pool.GetProperty("uuid").GetString()).SingleOrDefault();
}
