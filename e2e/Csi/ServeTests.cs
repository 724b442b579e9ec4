using System.Text.Json;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Csi;

/// <summary>The served program, called by a gRPC client that is not ours.</summary>
public sealed class ServeTests : IDisposable
{
    private static readonly object[] Mount = [new { mount = new { fs_type = "ext4" }, access_mode = new { mode = "SINGLE_NODE_WRITER" } }];

    private readonly TempDirectory _directory = new();
    private Support.Program _program;
    private PythonClient _csi;

    public ServeTests()
    {
        _program = Serve();
        _csi = new PythonClient(_directory, _directory.File("csi.sock"));
    }

    [Fact]
    public void A_volumes_life_through_csi()
    {
        Assert.Equal("thin.csithin.io", _csi.Ok("Identity/GetPluginInfo", new { }).GetProperty("name").GetString());
        Assert.True(_csi.Ok("Identity/Probe", new { }).GetProperty("ready").GetBoolean());
        Assert.Equal("node-1", _csi.Ok("Node/NodeGetInfo", new { }).GetProperty("nodeId").GetString());
        var volume = Create("a", 1 << 30);
        Assert.Equal(volume.GetRawText(), Create("a", 1 << 30).GetRawText());
        Assert.Equal(
            "node-1",
            volume.GetProperty("accessibleTopology")[0].GetProperty("segments").GetProperty("topology.thin.csithin.io/node").GetString());
        var id = volume.GetProperty("volumeId").GetString();
        var snapshot = _csi.Ok("Controller/CreateSnapshot", new { name = "s", source_volume_id = id }).GetProperty("snapshot");
        Assert.True(snapshot.GetProperty("readyToUse").GetBoolean());
        var snapshotId = snapshot.GetProperty("snapshotId").GetString();
        var restored = Create("r", 2L << 30, new { snapshot = new { snapshot_id = snapshotId } });
        Assert.Equal(
            (2L << 30).ToString(System.Globalization.CultureInfo.InvariantCulture), restored.GetProperty("capacityBytes").GetString());
        var expanded = _csi.Ok(
            "Controller/ControllerExpandVolume",
            new { volume_id = id, capacity_range = new { required_bytes = 3L << 30 }, volume_capability = Mount[0] });
        Assert.True(expanded.GetProperty("nodeExpansionRequired").GetBoolean());
        for (var i = 0; i < 2; i++)
            _csi.Ok("Controller/DeleteVolume", new { volume_id = id });
        Assert.Equal(
            snapshotId,
            _csi.Ok(
                "Controller/GetSnapshot", new { snapshot_id = snapshotId }).GetProperty("snapshot").GetProperty("snapshotId").GetString());
        Assert.Single(_csi.Ok("Controller/ListVolumes", new { }).GetProperty("entries").EnumerateArray());
    }

    [Fact]
    public void Refusals_reach_the_client_with_code_and_message()
    {
        Create("a", 1 << 30);
        var big = new { name = "a", volume_capabilities = Mount, capacity_range = new { required_bytes = 2L << 30 } };
        Assert.Equal(
            "volume 'a' exists, but it has 1073741824 bytes, less than the 2147483648 required",
            _csi.Refused("ALREADY_EXISTS", "Controller/CreateVolume", big));
        _csi.Refused("INVALID_ARGUMENT", "Controller/CreateVolume", new { name = "größe\n", volume_capabilities = Mount });
        Assert.Contains(
            "'größe'",
            _csi.Refused(
                "OUT_OF_RANGE",
                "Controller/CreateVolume",
                new { name = "größe", volume_capabilities = Mount, capacity_range = new { limit_bytes = 9 } }),
            StringComparison.Ordinal);
        var place = new { segments = new Dictionary<string, string> { ["topology.thin.csithin.io/node"] = "node-2" } };
        _csi.Refused(
            "RESOURCE_EXHAUSTED",
            "Controller/CreateVolume",
            new { name = "b", volume_capabilities = Mount, accessibility_requirements = new { requisite = new[] { place } } });
        _csi.Refused("NOT_FOUND", "Controller/ControllerGetVolume", new { volume_id = "../../etc/passwd" });
        _csi.Refused("ABORTED", "Controller/ListVolumes", new { starting_token = "x" });
        _csi.Refused("UNIMPLEMENTED", "Controller/ControllerPublishVolume", new { volume_id = "x" });
        Assert.DoesNotContain(
            "   at ", _csi.Refused("INTERNAL", "Controller/CreateVolume", new { invalid = 100 }), StringComparison.Ordinal);
        Assert.Single(_csi.Ok("Controller/ListVolumes", new { }).GetProperty("entries").EnumerateArray());
    }

    [Fact]
    public void Volumes_are_listed_in_pages_by_a_foreign_client()
    {
        for (var i = 0; i < 5; i++)
            Create($"v{i}", 1 << 20);
        var seen = new List<string>();
        var token = "";
        do
        {
            var page = _csi.Ok("Controller/ListVolumes", new { max_entries = 2, starting_token = token });
            seen.AddRange(
                page.GetProperty("entries").EnumerateArray().Select(
                    entry => entry.GetProperty("volume").GetProperty("volumeId").GetString()!));
            token = page.TryGetProperty("nextToken", out var next) ? next.GetString()! : "";
        }
        while (token.Length > 0);
        Assert.Equal(5, seen.Distinct().Count());
    }

    [Fact]
    public void Many_clients_asking_for_one_name_get_one_volume()
    {
        var clients = Enumerable.Range(0, 4).Select(_ => new PythonClient(_directory, _directory.File("csi.sock"))).ToArray();
        var request = new { name = "same", volume_capabilities = Mount };
        var ids = clients.AsParallel().WithDegreeOfParallelism(4)
            .SelectMany(
                client =>
                    Enumerable.Range(0, 10).Select(
                        _ =>
                            client.Ok(
                                "Controller/CreateVolume", request).GetProperty("volume").GetProperty("volumeId").GetString()).ToArray())
            .ToArray();
        Array.ForEach(clients, client => client.Dispose());
        Assert.Single(ids.Distinct());
    }

    [Fact]
    public void Sigterm_closes_cleanly_and_everything_is_there_again()
    {
        var id = Create("a", 1 << 30).GetProperty("volumeId").GetString();
        _csi.Dispose();
        var (exitCode, errors) = _program.Terminate();
        Assert.True(exitCode == 0, errors);
        Assert.False(File.Exists(_directory.File("csi.sock")) || File.Exists(_directory.File("nbd.sock")));
        Assert.True(Support.Program.Json("pool", "check", _directory.File("pool.img")).GetProperty("sound").GetBoolean());
        Restart();
        Assert.Equal(id, Create("a", 1 << 30).GetProperty("volumeId").GetString());
    }

    [Fact]
    public void A_killed_server_leaves_a_pool_that_serves_again()
    {
        var id = Create("a", 1 << 30).GetProperty("volumeId").GetString();
        _csi.Dispose();
        _program.Kill();
        Assert.True(File.Exists(_directory.File("csi.sock")), "a killed process cannot remove its socket");
        Restart();
        Assert.Equal(id, Create("a", 1 << 30).GetProperty("volumeId").GetString());
    }

    [Fact]
    public void Promtool_is_content_with_the_metrics()
    {
        var id = Create("a", 64 << 20).GetProperty("volumeId").GetString();
        _csi.Ok("Controller/CreateSnapshot", new { name = "s", source_volume_id = id });
        _csi.Refused("NOT_FOUND", "Controller/GetSnapshot", new { snapshot_id = "x" });
        Tool.Run("nbdinfo", $"nbd+unix:///{id}?socket={_directory.File("nbd.sock")}");
        var metrics = Tool.Run("curl", "-sf", _program.Ready.GetProperty("metrics").GetString() + "/metrics");
        File.WriteAllText(_directory.File("metrics.txt"), metrics);
        Assert.Equal("", Tool.Run("sh", "-c", $"promtool check metrics < {_directory.File("metrics.txt")}"));
        string[] names =
        [
            "csithin_pool_free_bytes", "csithin_volume_mapped_bytes", "csithin_csi_call_duration_seconds_bucket",
            "csithin_nbd_requests_total", "process_resident_memory_bytes",
        ];
        foreach (var name in names)
            Assert.Matches($"(?m)^{name}[{{ ]", metrics);
        Assert.Equal("ok\n", Tool.Run("curl", "-sf", _program.Ready.GetProperty("metrics").GetString() + "/healthz"));
    }

    public void Dispose()
    {
        _csi.Dispose();
        _program.Dispose();
        _directory.Dispose();
    }

    private Support.Program Serve() => Support.Program.Serve(
        "serve", "--endpoint", $"unix://{_directory.File("csi.sock")}", "--node-id", "node-1",
        "--pool", $"p={_directory.File("pool.img")},size=1G",
        "--nbd", _directory.File("nbd.sock"), "--metrics", "127.0.0.1:0", "--state-dir", _directory.File("state"));

    private void Restart()
    {
        _program.Dispose();
        _program = Serve();
        _csi = new PythonClient(_directory, _directory.File("csi.sock"));
    }

    private JsonElement Create(string name, long bytes, object? source = null)
    {
        var request = new Dictionary<string, object>
        {
            ["name"] = name,
            ["volume_capabilities"] = Mount,
            ["capacity_range"] = new { required_bytes = bytes },
        };
        if (source is not null)
            request["volume_content_source"] = source;
        return _csi.Ok("Controller/CreateVolume", request).GetProperty("volume");
    }
}
