using System.Text.Json;
using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>A guest with nbd whose engine serves one pool on /dev/ubda and answers on its own API.</summary>
internal sealed class DeviceGuest : IDisposable
{
    /// <summary>Where the engine keeps its attachment journal.</summary>
    public const string StateDirectory = "/run/csithin-state";

    private const string Socket = "/run/csithin/engine.sock";

    private readonly TempDirectory _directory = new();
    private readonly string _disk;
    private readonly string _poolUuid;
    private GuestCsiClient? _client;

    /// <summary>Formats the pool, boots, and starts the engine.</summary>
    public DeviceGuest(int memoryMiB = 768, long diskBytes = 1L << 30, IReadOnlyList<string>? moreDisks = null)
    {
        _disk = _directory.SparseFile("disk", diskBytes);
        _poolUuid = Support.Program.Json("pool", "format", _disk).GetProperty("uuid").GetString()!;
        Kernel = GuestKernel.Boot(_directory, new GuestOptions
        {
            MemoryMiB = memoryMiB,
            Disks = [_disk, .. moreDisks ?? []],
            Modules = GuestModules.Nbd | GuestModules.DmThin,
        });
        StartEngine();
    }

    /// <summary>The guest.</summary>
    public GuestKernel Kernel { get; }

    /// <summary>The engine that runs in it.</summary>
    public GuestProgram Engine { get; private set; } = null!;

    /// <summary>The pool's disk, seen from outside.</summary>
    public string Disk => _disk;

    /// <summary>Starts the engine (again); it is ready when this returns.</summary>
    public void StartEngine()
    {
        Kernel.Run("mkdir -p /run/csithin /var/lib 2>/dev/null; rm -f /run/engine.out");
        Engine = GuestProgram.Serve(
            Kernel, "engine", "serve", "--endpoint", "unix:///run/csithin/csi.sock", "--node-id", "guest", "--pool", "fast=/dev/ubda",
            "--control", Socket);
    }

    /// <summary>Kills the engine and starts it again.</summary>
    public void RestartEngine()
    {
        Engine.Kill();
        StartEngine();
    }

    /// <summary>Makes a volume; returns its handle.</summary>
    public string CreateVolume(string name, long sizeBytes) =>
        Ask("VolumeAdmin/CreateVolume", new { pool_uuid = _poolUuid, name, size_bytes = sizeBytes }).GetProperty("id").GetString()!;

    /// <summary>Takes a snapshot of a volume; returns its handle.</summary>
    public string CreateSnapshot(string name, string sourceHandle) =>
        Ask("VolumeAdmin/CreateVolume", new { pool_uuid = _poolUuid, name, is_snapshot = true, source_id = sourceHandle })
            .GetProperty("id").GetString()!;

    /// <summary>Attaches; returns the device node.</summary>
    public string Attach(string handle, bool readOnly = false, int blockBytes = 512) =>
        Ask("DeviceAdmin/AttachDevice", new { volume_id = handle, read_only = readOnly, block_bytes = blockBytes })
            .GetProperty("path").GetString()!;

    /// <summary>Detaches.</summary>
    public void Detach(string handle) => Ask("DeviceAdmin/DetachDevice", new { volume_id = handle });

    /// <summary>A call of the engine's API that must succeed.</summary>
    public JsonElement Ask(string method, object request) => Client.Ok(method, request);

    /// <summary>A call that must be refused; returns the message.</summary>
    public string Refused(string code, string method, object request) => Client.Refused(code, method, request);

    /// <summary>What a file of sysfs says about a device node.</summary>
    public string Sys(string path, string file) => Kernel.Run($"cat /sys/block/{Path.GetFileName(path)}/{file}").TrimEnd();

    /// <inheritdoc/>
    public void Dispose()
    {
        Kernel.Dispose();
        _directory.Dispose();
    }

    private GuestCsiClient Client => _client ??= GuestCsiClient.OfEngine(Kernel, _directory, Socket);
}
