using System.Text.Json;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>A guest with nbd whose engine serves one pool on /dev/ubda and answers on its own API.</summary>
internal sealed class DeviceGuest : IDisposable
{
    private const string Socket = "/run/csithin/engine.sock";
    private const string DeclaredPath = "/dev/declared";

    private readonly TempDirectory _directory = new();
    private readonly string _disk;
    private readonly string[] _pool;
    private GuestCsiClient? _client;

    /// <summary>Formats the pool, boots, and starts the engine.</summary>
    public DeviceGuest(
        int memoryMiB = 768, long diskBytes = 1L << 30, IReadOnlyList<string>? moreDisks = null, string poolSettings = "",
        bool isDeclared = false)
    {
        _pool = isDeclared ? ["--pools", File("pools.yaml")] : ["--pool", $"fast=/dev/ubda{poolSettings}"];
        System.IO.File.WriteAllText(File("pools.yaml"), $"pools: [{{name: fast, devices: {{paths: [{DeclaredPath}]}}}}]");
        _disk = _directory.SparseFile("disk", diskBytes);
        PoolUuid = Support.Program.Json("pool", "format", _disk).GetProperty("uuid").GetString()!;
        Kernel = GuestKernel.Boot(_directory, new GuestOptions
        {
            MemoryMiB = memoryMiB,
            Disks = [_disk, .. moreDisks ?? []],
            Modules = GuestModules.Nbd | GuestModules.DmThin,
        });
        PlugDeclared();
        StartEngine();
    }

    /// <summary>The guest.</summary>
    public GuestKernel Kernel { get; }

    /// <summary>The engine that runs in it.</summary>
    public GuestProgram Engine { get; private set; } = null!;

    /// <summary>The pool's disk, seen from outside.</summary>
    public string Disk => _disk;

    /// <summary>The pool's id.</summary>
    public string PoolUuid { get; }

    /// <summary>Where the engine keeps its attachment journal: it outlives the guest.</summary>
    public string StateDirectory => _directory.File("state");

    /// <summary>The words that run fs_stress.py in the guest.</summary>
    public static string FsStress => $"/usr/bin/python3 {Helper("fs_stress.py")}";

    /// <summary>A file of the test's directory, which outlives the guest.</summary>
    public string File(string name) => _directory.File(name);

    /// <summary>A program of this folder, in the guest.</summary>
    public static string Helper(string name) => Path.Combine(AppContext.BaseDirectory, "Kernel", name);

    /// <summary>Boots again after <see cref="GuestKernel.CutPower"/>, and starts the engine.</summary>
    public void BootAgain()
    {
        Kernel.Boot();
        StartEngine();
    }

    /// <summary>The kernel has not complained of a device, a file system or a task that hangs.</summary>
    public void AssertNothingFailed()
    {
        var kernel = Kernel.Run("dmesg");
        foreach (var bad in new[] { "I/O error", "EXT4-fs error", "Corruption", "Shutting down filesystem", "blocked for more" })
            Assert.DoesNotContain(bad, kernel, StringComparison.Ordinal);
    }

    /// <summary>Starts the engine (again); it is ready when this returns.</summary>
    public void StartEngine()
    {
        _client = null; // its connection was to another engine
        Engine = GuestProgram.Serve(
            Kernel, "engine", ["engine", .. _pool, "--socket", Socket, "--state-dir", StateDirectory]);
    }

    /// <summary>Makes the pool's disk appear where it is declared.</summary>
    public void PlugDeclared() => Kernel.Run($"ln -sf ubda {DeclaredPath}");

    /// <summary>And away.</summary>
    public void UnplugDeclared() => Kernel.Run($"rm {DeclaredPath}");

    /// <summary>Kills the engine and starts it again.</summary>
    public void RestartEngine()
    {
        Engine.Kill();
        StartEngine();
    }

    /// <summary>Makes a volume; returns its handle.</summary>
    public string CreateVolume(string name, long sizeBytes, object? parameters = null) => Ask(
        "VolumeAdmin/CreateVolume",
        new { pool_uuid = PoolUuid, name, size_bytes = sizeBytes, parameters = parameters ?? new { } }).GetProperty("id").GetString()!;

    /// <summary>Makes many volumes of one size and attaches them; returns the device node of each handle.</summary>
    public IReadOnlyDictionary<string, string> AttachMany(string name, int count, long sizeBytes)
    {
        var volumes = Client.OkAll("VolumeAdmin/CreateVolume", Enumerable.Range(0, count).Select(
            number => new { pool_uuid = PoolUuid, name = $"{name}-{number}", size_bytes = sizeBytes }));
        var devices = Client.OkAll("DeviceAdmin/AttachDevice", volumes.Select(
            volume => new { volume_id = volume.GetProperty("id").GetString(), block_bytes = 512 }));
        return devices.ToDictionary(
            device => device.GetProperty("volumeId").GetString()!, device => device.GetProperty("path").GetString()!);
    }

    /// <summary>Every volume and snapshot of the pool.</summary>
    public IReadOnlyList<JsonElement> ListVolumes() =>
        [.. Ask("VolumeAdmin/ListVolumes", new { pool_uuid = PoolUuid, entries_max = 1000 }).GetProperty("volumes").EnumerateArray()];

    /// <summary>Takes a snapshot of a volume; returns its handle.</summary>
    public string CreateSnapshot(string name, string sourceHandle) =>
        Ask("VolumeAdmin/CreateVolume", new { pool_uuid = PoolUuid, name, is_snapshot = true, source_id = sourceHandle })
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

    /// <summary>A client of the engine's API.</summary>
    public GuestCsiClient Client => _client ??= GuestCsiClient.OfEngine(Kernel, _directory, Socket);
}
