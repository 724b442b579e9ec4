using System.Globalization;
using System.Text.Json;
using CsiThin.EndToEnd.Kernel;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Node;

/// <summary>The tests that share one guest.</summary>
[CollectionDefinition(nameof(NodeGuest))]
public sealed class NodeGuestCollection : ICollectionFixture<NodeGuest>;

/// <summary>
/// A guest kernel in which our server makes volumes of a pool on a disk, called over its socket by a gRPC client that is not ours, as
/// kubelet would call it. Each test makes volumes and paths of its own.
/// </summary>
public sealed class NodeGuest : IDisposable
{
    private const string Socket = "/run/csi.sock";
    private const string Kubelet = "/run/kubelet";

    /// <summary>Where the guest's server shows its metrics.</summary>
    internal const string MetricsAddress = "127.0.0.1:9808";

    private readonly TempDirectory _directory = new();
    private readonly GuestKernel _guest;
    private GuestProgram _program = null!;
    private GuestCsiClient _client = null!;
    private int _numbers;

    public NodeGuest()
    {
        var disk = _directory.SparseFile("disk", 6L << 30);
        _ = Support.Program.Json("pool", "format", disk);
        _guest = GuestKernel.Boot(_directory, new GuestOptions { Disks = [disk], MemoryMiB = 768, Modules = GuestModules.Nbd });
        Start();
    }

    /// <summary>What our server said on its error stream.</summary>
    internal string Log => _program.Errors;

    /// <summary>The guest, for what a test does beside the calls.</summary>
    internal GuestKernel Kernel => _guest;

    /// <summary>How a volume is to be used, as CSI has it.</summary>
    internal static object Capability(string fileSystem = "", string mode = "SINGLE_NODE_MULTI_WRITER", params string[] flags) =>
        new { mount = new { fs_type = fileSystem, mount_flags = flags }, access_mode = new { mode } };

    /// <summary>The same for a device.</summary>
    internal static object Block(string mode = "SINGLE_NODE_MULTI_WRITER") => new { block = new { }, access_mode = new { mode } };

    /// <summary>Runs bash in the guest.</summary>
    internal string Run(string script) => _guest.Run(script);

    /// <summary>A call that must succeed.</summary>
    internal JsonElement Ok(string method, object request) => _client.Ok(method, request);

    /// <summary>A call that must be refused with that code; returns the message.</summary>
    internal string Refused(string code, string method, object request) => _client.Refused(code, method, request);

    /// <summary>A name that no other test uses.</summary>
    internal string Name(string stem) => string.Create(CultureInfo.InvariantCulture, $"{stem}-{Interlocked.Increment(ref _numbers)}");

    /// <summary>Makes a volume; returns its handle.</summary>
    internal string Create(
        long sizeMiB, object? source = null, string? fileSystem = null, string? mkfsOptions = null, string? name = null)
    {
        var parameters = new Dictionary<string, string>();
        if (fileSystem is not null)
            parameters["csi.storage.k8s.io/fstype"] = fileSystem;
        if (mkfsOptions is not null)
            parameters["mkfsOptions"] = mkfsOptions;
        var request = new Dictionary<string, object>
        {
            ["name"] = name ?? Name("volume"),
            ["capacity_range"] = new { required_bytes = sizeMiB << 20 },
            ["volume_capabilities"] = new[] { Capability(fileSystem ?? "") },
            ["parameters"] = parameters,
        };
        if (source is not null)
            request["volume_content_source"] = source;
        return Ok("Controller/CreateVolume", request).GetProperty("volume").GetProperty("volumeId").GetString()!;
    }

    /// <summary>Takes a snapshot; returns its handle.</summary>
    internal string Snapshot(string volume) => Ok("Controller/CreateSnapshot", new { name = Name("snapshot"), source_volume_id = volume })
        .GetProperty("snapshot").GetProperty("snapshotId").GetString()!;

    /// <summary>A content source.</summary>
    internal static object FromSnapshot(string id) => new { snapshot = new { snapshot_id = id } };

    /// <summary>A content source.</summary>
    internal static object FromVolume(string id) => new { volume = new { volume_id = id } };

    /// <summary>Where kubelet would stage a volume.</summary>
    internal static string Staging(string id) => $"{Kubelet}/plugins/kubernetes.io/csi/thin.csithin.io/{id}/globalmount";

    /// <summary>Where kubelet would publish a volume for a pod.</summary>
    internal static string Target(string id, string pod = "pod") => $"{Kubelet}/pods/{pod}/volumes/kubernetes.io~csi/{id}/mount";

    /// <summary>A path in kubelet's folder.</summary>
    internal static string InKubelet(string path) => $"{Kubelet}/{path}";

    internal static object StageRequest(string id, object capability, string? path = null) =>
        new { volume_id = id, staging_target_path = path ?? Staging(id), volume_capability = capability };

    internal static object UnstageRequest(string id) => new { volume_id = id, staging_target_path = Staging(id) };

    internal static object PublishRequest(string id, object capability, string pod = "pod", bool readOnly = false) => new
    {
        volume_id = id,
        staging_target_path = Staging(id),
        target_path = Target(id, pod),
        volume_capability = capability,
        @readonly = readOnly,
    };

    internal static object UnpublishRequest(string id, string pod = "pod") => new { volume_id = id, target_path = Target(id, pod) };

    internal void Stage(string id, object capability) => Ok("Node/NodeStageVolume", StageRequest(id, capability));

    internal void Unstage(string id) => Ok("Node/NodeUnstageVolume", UnstageRequest(id));

    internal void Publish(string id, object capability, string pod = "pod", bool readOnly = false) =>
        Ok("Node/NodePublishVolume", PublishRequest(id, capability, pod, readOnly));

    internal void Unpublish(string id, string pod = "pod") => Ok("Node/NodeUnpublishVolume", UnpublishRequest(id, pod));

    /// <summary>Stages and publishes for one pod.</summary>
    internal string Use(string id, object capability)
    {
        Stage(id, capability);
        Publish(id, capability);
        return Target(id);
    }

    /// <summary>Takes back what <see cref="Use"/> did and deletes the volume.</summary>
    internal void Drop(params string[] ids)
    {
        foreach (var id in ids)
        {
            Unpublish(id);
            Unstage(id);
            Ok("Controller/DeleteVolume", new { volume_id = id });
        }
    }

    /// <summary>The device of the file system at a path, such as /dev/nbd0.</summary>
    internal string DeviceAt(string path) => Run($"awk -v p='{path}' '$2 == p {{ d = $1 }} END {{ print d }}' /proc/mounts").Trim();

    /// <summary>The server dies without warning and starts again.</summary>
    internal void KillServer()
    {
        _program.Kill();
        Start();
    }

    /// <summary>The server has died by itself and starts again.</summary>
    internal void StartServerAgain() => Start();

    /// <summary>The machine loses its power and boots again. Of kubelet's folder nothing is left, of pool and state everything.</summary>
    internal void CutPower()
    {
        _guest.CutPower();
        _guest.Boot();
        Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _guest.Dispose();
        _directory.Dispose();
    }

    private void Start()
    {
        _guest.Run($"mkdir -p {Kubelet}");
        _program = GuestProgram.Serve(
            _guest, "serve", "serve", "--endpoint", $"unix://{Socket}", "--node-id", "guest", "--pool", "fast=/dev/ubda",
            "--kubelet-dir", Kubelet, "--state-dir", _directory.File("state"), "--socket", "/run/engine.sock", "--metrics", MetricsAddress);
        _client = new GuestCsiClient(_guest, _directory, Socket);
    }
}
