using System.Diagnostics;
using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Cli.Hosting;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging.Abstractions;
using AccessMode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace CsiThin.Driver.Cli.Demo;

/// <summary>
/// The main job from end to end, as a cluster would use it: what is made, is made by CSI calls through the socket; what is written and
/// read, goes over NBD. Every comparison that fails ends the run.
/// </summary>
internal sealed class DemoRun(string directory, string poolPath, Func<string, Tool?> findTool, Action<DemoStep> onStep)
{
    private const long PoolBytes = 2L << 30;
    private const long VolumeSizeBytes = 128L << 20;
    private const string Node = "demo-node";

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<DemoStep> _steps = [];
    private readonly DemoContent _content = new(directory, VolumeSizeBytes, findTool);
    private readonly string _csiPath = Path.Combine(directory, "csi.sock");
    private readonly string _nbdPath = Path.Combine(directory, "nbd.sock");
    private TimeSpan _stepBegin;
    private IEnginePool? _pool;

    /// <summary>Runs all steps; <see cref="CliException"/> on the first difference.</summary>
    public async Task<DemoReport> RunAsync()
    {
        _content.Make();
        Step("files", $"{_content.Description}, {SizeText.Format(VolumeSizeBytes)}");
        var options = new ServeOptions(_csiPath, Node, [new PoolOption("demo", poolPath, PoolBytes, null)], _nbdPath, null);
        var host = await ServerHost.StartAsync(options, NullLoggerFactory.Instance).ConfigureAwait(false);
        PoolStatus status;
        await using (host.ConfigureAwait(false))
        {
            _pool = host.Pools.All[0].Pool;
            Step("pool", $"{SizeText.Format(PoolBytes)} on {poolPath}, served on {_csiPath}");
            using var csi = new CsiClient(_csiPath);
            await UseAsync(csi).ConfigureAwait(false);
            status = _pool.GetStatus();
            _pool = null;
        }

        CheckMetadata();
        var usedBytes = (long)status.DataBlocksUsed * status.DataBlockBytes;
        var totalBytes = (long)status.DataBlocksTotal * status.DataBlockBytes;
        var fullPercent = Math.Round(100.0 * usedBytes / totalBytes, 2);
        return new DemoReport(true, Seconds(_clock.Elapsed), _content.Description, _steps, totalBytes, usedBytes, fullPercent, null);
    }

    private async Task UseAsync(CsiClient csi)
    {
        var plugin = await csi.Identity.GetPluginInfoAsync(new GetPluginInfoRequest());
        var volume = (await csi.Controller.CreateVolumeAsync(NewVolume("demo-volume", null))).Volume;
        Step("CSI CreateVolume", $"{plugin.Name} {plugin.VendorVersion} made {volume.VolumeId}");
        Fill(volume.VolumeId);
        var before = VolumeBytes.Hash(_content.BeforePath);
        Compare("volume", volume.VolumeId, before, "what was written");

        var wanted = new CreateSnapshotRequest { Name = "demo-snapshot", SourceVolumeId = volume.VolumeId };
        var snapshot = (await csi.Controller.CreateSnapshotAsync(wanted)).Snapshot;
        Step("CSI CreateSnapshot", snapshot.SnapshotId);
        using (var client = new NbdClient(_nbdPath, volume.VolumeId))
            Step(
                "change the volume",
                $"{SizeText.Format(VolumeBytes.WriteChanges(client, _content.BeforePath, _content.AfterPath))} rewritten over NBD");

        var source = new VolumeContentSource { Snapshot = new() { SnapshotId = snapshot.SnapshotId } };
        var clone = (await csi.Controller.CreateVolumeAsync(NewVolume("demo-clone", source))).Volume;
        Step("CSI CreateVolume from the snapshot", clone.VolumeId);
        Compare("snapshot", snapshot.SnapshotId, before, "the volume before the change");
        Compare("clone", clone.VolumeId, before, "the volume before the change");
        var after = VolumeBytes.Hash(_content.AfterPath);
        if (after == before)
            throw new CliException("the change changed nothing, so the comparison proves nothing");
        Compare("volume", volume.VolumeId, after, "the volume after the change");

        WriteInto(clone.VolumeId);
        Compare("snapshot", snapshot.SnapshotId, before, "the volume before the change, whatever the clone has written");
    }

    private void Fill(string handle)
    {
        if (findTool("nbdcopy") is { } nbdcopy)
        {
            _ = nbdcopy.Run(_content.BeforePath, $"nbd+unix:///{handle}?socket={Uri.EscapeDataString(_nbdPath)}"); // it prints nothing
            Step("fill over NBD", "by nbdcopy");
            return;
        }

        using var client = new NbdClient(_nbdPath, handle);
        Step(
            "fill over NBD",
            $"{SizeText.Format(VolumeBytes.Fill(client, _content.BeforePath))} by our own client (install libnbd-bin for nbdcopy)");
    }

    private void WriteInto(string handle)
    {
        using var client = new NbdClient(_nbdPath, handle);
        client.Write(0, new byte[1 << 20]);
        client.Flush();
        Step("write into the clone", "1 MiB of zeroes");
    }

    private void Compare(string noun, string handle, string expectedHash, string expected)
    {
        var copyPath = Path.Combine(directory, "copy.img");
        using (var client = new NbdClient(_nbdPath, handle))
        {
            if (client.LengthBytes != VolumeSizeBytes)
                throw new CliException($"the {noun} has {client.LengthBytes} bytes, not {VolumeSizeBytes}");
            if (VolumeBytes.HashAndCopy(client, copyPath) != expectedHash)
                throw new CliException($"the {noun} {handle} differs from {expected}");
        }

        var check = _content.Check(copyPath);
        File.Delete(copyPath);
        Step($"compare the {noun}", $"equal to {expected}{(check.Length > 0 ? $"; e2fsck: {check}" : "")}");
    }

    private void CheckMetadata()
    {
        using var pool = PoolInspector.Open(poolPath);
        if (pool.Check() is [var finding, ..])
            throw new CliException($"the metadata is not sound: {finding}");
        var metadataPath = Path.Combine(directory, "metadata.bin");
        using (var copy = new FileStream(metadataPath, FileMode.Create))
            pool.CopyMetadata(copy);
        var judge = findTool("thin_check");
        _ = judge?.Run(metadataPath); // a finding is an exit code, which throws
        Step(
            "check the metadata",
            judge is null ? "sound (install thin-provisioning-tools for the kernel's own check)" : "sound, says thin_check too");
    }

    private void Step(string name, string detail)
    {
        var now = _clock.Elapsed;
        var status = _pool?.GetStatus();
        var usedBytes = status is null ? _steps.LastOrDefault()?.UsedBytes ?? 0 : (long)status.DataBlocksUsed * status.DataBlockBytes;
        var step = new DemoStep(name, Seconds(now - _stepBegin), usedBytes, detail);
        _stepBegin = now;
        _steps.Add(step);
        onStep(step);
    }

    private static double Seconds(TimeSpan time) => Math.Round(time.TotalSeconds, 3);

    private static CreateVolumeRequest NewVolume(string name, VolumeContentSource? source) => new()
    {
        Name = name,
        CapacityRange = new CapacityRange { RequiredBytes = VolumeSizeBytes },
        VolumeCapabilities = { new VolumeCapability { Block = new(), AccessMode = new() { Mode = AccessMode.SingleNodeWriter } } },
        VolumeContentSource = source,
        AccessibilityRequirements = new TopologyRequirement { Requisite = { new NodeTopology(Node).ToMessage() } },
    };
}
