using System.Text.Json;
using CsiThin.EndToEnd.Csi;
using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Engine;

/// <summary>An engine and a node as two processes, each of which may be killed, and a CSI client of the node that is not ours.</summary>
internal sealed class TwoProcesses : IDisposable
{
    private readonly TempDirectory _directory = new();
    private PythonClient? _client;

    /// <summary>Formats a pool and starts both.</summary>
    public TwoProcesses()
    {
        Support.Program.Json("pool", "format", Pool, "--size", "2G");
        StartEngine();
        StartNode();
    }

    /// <summary>The pool's file.</summary>
    public string Pool => _directory.File("pool.img");

    /// <summary>Where NBD clients connect.</summary>
    public string NbdSocket => _directory.File("nbd.sock");

    /// <summary>The engine.</summary>
    public Support.Program Engine { get; private set; } = null!;

    /// <summary>The node.</summary>
    public Support.Program Node { get; private set; } = null!;

    /// <summary>A client of the node that runs now.</summary>
    public PythonClient Csi => _client ??= new PythonClient(_directory, _directory.File("csi.sock"));

    private string EngineSocket => $"unix://{_directory.File("run/engine.sock")}";

    /// <summary>A file of the test.</summary>
    public string File(string name) => _directory.File(name);

    /// <summary>Starts the engine (again); it is ready when this returns.</summary>
    public void StartEngine() => Engine = Support.Program.Serve(
        "engine", "--pool", $"p={Pool}", "--socket", EngineSocket, "--nbd", NbdSocket, "--state-dir", _directory.File("state"));

    /// <summary>Starts the node (again); it is ready when this returns.</summary>
    public void StartNode()
    {
        _client?.Dispose(); // a client that has lost its server takes its time before it tries again
        _client = null;
        Node = Support.Program.Serve(
            "node", "--endpoint", $"unix://{_directory.File("csi.sock")}", "--engine", EngineSocket, "--node-id", "node-1",
            "--state-dir", _directory.File("node"), "--kubelet-dir", _directory.File("kubelet"));
    }

    /// <summary>Makes a volume; returns its handle.</summary>
    public string Create(string name, long sizeBytes) =>
        Csi.Ok("Controller/CreateVolume", CreateRequest(name, sizeBytes)).GetProperty("volume").GetProperty("volumeId").GetString()!;

    /// <summary>What asks for a volume.</summary>
    public static object CreateRequest(string name, long sizeBytes) => new
    {
        name,
        capacity_range = new { required_bytes = sizeBytes },
        volume_capabilities = new[] { new { block = new { }, access_mode = new { mode = "SINGLE_NODE_WRITER" } } },
    };

    /// <summary>Volumes and snapshots by kind and name, as the command line lists them.</summary>
    public Dictionary<(string Kind, string Name), JsonElement> List()
    {
        var listed = Support.Program.Json("volume", "list", Pool, "--engine", EngineSocket).EnumerateArray();
        return listed.ToDictionary(one => (one.GetProperty("kind").GetString()!, one.GetProperty("name").GetString()!));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _client?.Dispose();
        Node.Dispose();
        Engine.Dispose();
        _directory.Dispose();
    }
}
