using System.Collections.Concurrent;
using System.Net.Sockets;
using CsiThin.Core.Device.Sockets;
using CsiThin.Core.Nbd;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Space;
using CsiThin.Core.Tests.Nbd;
using CsiThin.Core.Tests.Support;
using CsiThin.Driver.Telemetry;
using CsiThin.Driver.Tests.Volumes;
using CsiThin.Driver.Volumes;
using CsiThin.Driver.Volumes.Meters;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CsiThin.Driver.Tests.Telemetry;

/// <summary>What an engine measures, as Prometheus reads it. Other tests publish meters too, so the pool's name tells ours.</summary>
public sealed class EngineMeterTests : IDisposable
{
    private const string Pool = "meter-test";

    private readonly VolumeManagerFixture _fixture = new();
    private readonly EnginePools _pools;
    private readonly VolumeManager _volumes;
    private readonly PrometheusExporter _exporter = new(failure => throw new InvalidOperationException("a meter failed", failure));

    public EngineMeterTests()
    {
        _pools = new EnginePools([new NamedEnginePool(Pool, _fixture.Fast)]);
        _volumes = new VolumeManager(_pools, VolumeManager.DefaultLockWait);
    }

    [Fact]
    public async Task A_pool_shows_its_state()
    {
        using var meter = new PoolMeter(new MeteredPools(_pools));
        _ = await _volumes.CreateAsync(new VolumeRequest { Name = "v" }, CancellationToken.None);
        _fixture.Fast.Mode = PoolMode.OutOfDataSpace;
        _fixture.Fast.DataLevel = SpaceLevel.VolumesRefused;
        _fixture.Fast.MetadataLevel = SpaceLevel.NearlyFull;
        _fixture.Fast.WaitingRequests = 3;
        _fixture.Fast.CommitTimes.Record(TimeSpan.FromMilliseconds(20));
        var uuid = _fixture.Fast.Uuid.ToString("N");
        AssertShown(
        [
            $"csithin_pool_info{{pool=\"{Pool}\",uuid=\"{uuid}\",device=\"/dev/disk/by-id/nvme-1\"}} 1",
            Line("size_bytes", 1073741824), Line("used_bytes", 6553600), Line("free_bytes", 1067188224),
            Line("provisioned_bytes", 1073741824), Line("overcommit_ratio", 1), Line("data_block_bytes", 65536), Line("dying_bytes", 0),
            Line("metadata_size_bytes", 4194304), Line("metadata_used_bytes", 40960), Line("metadata_reserved_bytes", 417792),
            Line("metadata_free_bytes", 3735552),
            $"csithin_pool_space_level{{pool=\"{Pool}\",resource=\"data\"}} 3",
            $"csithin_pool_space_level{{pool=\"{Pool}\",resource=\"metadata\"}} 1",
            Line("waiting_requests", 3), Line("nospace_failures_total", 7), $"csithin_pool_space_wait_seconds_total{{pool=\"{Pool}\"}} 1.5",
            Line("needs_check", 0), Line("transaction_id", 2), Line("commits_total", 2), Line("commit_duration_seconds_count", 1),
            $"csithin_pool_commit_duration_seconds_bucket{{pool=\"{Pool}\",le=\"0.025\"}} 1",
            $"csithin_pool_mode{{pool=\"{Pool}\",mode=\"write\"}} 0",
            $"csithin_pool_mode{{pool=\"{Pool}\",mode=\"out-of-data-space\"}} 1",
            Line("volumes", 1), Line("snapshots", 0),
        ]);
    }

    [Fact]
    public async Task A_volume_shows_its_claim_and_disappears_when_it_is_deleted()
    {
        using var meter = new VolumeMeter(new MeteredPools(_pools));
        _fixture.Fast.WaitingRequests = 3;
        var volume = await _volumes.CreateAsync(
            new VolumeRequest
            {
                Name = "pvc-1",
                Parameters = new Dictionary<string, string>
                {
                    ["csi.storage.k8s.io/pvc/name"] = "data-web-0",
                    ["csi.storage.k8s.io/pvc/namespace"] = "shop",
                    ["csi.storage.k8s.io/pv/name"] = "pvc-1",
                },
            },
            CancellationToken.None);
        var snapshot = await _volumes.SnapshotAsync(
            new SnapshotRequest
            {
                Name = "snapshot-1",
                SourceHandle = volume.Id.ToString(),
                Parameters = new Dictionary<string, string>
                {
                    ["csi.storage.k8s.io/volumesnapshot/name"] = "nightly",
                    ["csi.storage.k8s.io/volumesnapshot/namespace"] = "shop",
                },
            },
            CancellationToken.None);
        AssertShown(
        [
            $"csithin_volume_info{{{Of(volume)},name=\"pvc-1\",kind=\"volume\",persistentvolume=\"pvc-1\"," +
                "persistentvolumeclaim=\"data-web-0\",volumesnapshot=\"\",namespace=\"shop\",ephemeral=\"false\"} 1",
            $"csithin_volume_info{{{Of(snapshot)},name=\"snapshot-1\",kind=\"snapshot\",persistentvolume=\"\",persistentvolumeclaim=\"\"," +
                "volumesnapshot=\"nightly\",namespace=\"shop\",ephemeral=\"false\"} 1",
            $"csithin_volume_size_bytes{{{Of(volume)}}} 1073741824",
            $"csithin_volume_mapped_bytes{{{Of(volume)}}} 65536",
            $"csithin_volume_open{{{Of(volume)}}} 0",
            $"csithin_volume_waiting_requests{{{Of(volume)}}} 3",
            $"csithin_volume_space_wait_seconds_total{{{Of(volume)}}} 0.5",
            $"csithin_volume_nospace_failures_total{{{Of(volume)}}} 4",
        ]);
        await _volumes.DeleteAsync(VolumeKind.Volume, volume.Id.ToString(), CancellationToken.None);
        await WaitForALookAsync();
        Assert.DoesNotContain(Scrape(), line => line.Contains(volume.Id.ToString(), StringComparison.Ordinal));
        Assert.Contains(Scrape(), line => line.Contains(snapshot.Id.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Above_the_limit_open_volumes_are_shown_first_and_the_rest_is_counted()
    {
        using var meter = new VolumeMeter(new MeteredPools(_pools, volumesMax: 2));
        var volumes = new List<VolumeInfo>();
        for (var i = 0; i < 5; i++)
            volumes.Add(await _volumes.CreateAsync(new VolumeRequest { Name = $"v{i}" }, CancellationToken.None));
        using var open = _fixture.Fast.OpenDevice(volumes[4].Id, readOnly: true);
        var shown = Scrape().Where(line => line.StartsWith("csithin_volume_size_bytes", StringComparison.Ordinal));
        Assert.Equal(
            [$"csithin_volume_size_bytes{{{Of(volumes[0])}}} 1073741824", $"csithin_volume_size_bytes{{{Of(volumes[4])}}} 1073741824"],
            shown.Order(StringComparer.Ordinal));
        AssertShown([Line("unlisted_volumes", 3)]);
    }

    [Fact]
    public async Task Traffic_is_shown_by_volume_and_forgotten_with_it()
    {
        var volume = await _volumes.CreateAsync(new VolumeRequest { Name = "v" }, CancellationToken.None);
        using var traffic = new NbdTraffic();
        using var meter = new TrafficMeter(new MeteredPools(_pools), traffic);
        using var server = new NbdServer(null, new VolumeExports(_pools), new NbdServerOptions { Traffic = traffic });
        Read(server, volume, 4096);
        Read(server, volume, 1024);
        AssertShown(
        [
            $"csithin_volume_operations_total{{{Of(volume)},operation=\"read\"}} 2",
            $"csithin_volume_operations_total{{{Of(volume)},operation=\"write\"}} 0",
            $"csithin_volume_bytes_total{{{Of(volume)},operation=\"read\"}} 5120",
            $"csithin_volume_errors_total{{{Of(volume)},operation=\"read\"}} 0",
            $"csithin_volume_operation_duration_seconds_count{{{Of(volume)},operation=\"read\"}} 2",
            $"csithin_volume_requests_in_flight{{{Of(volume)}}} 0",
        ]);
        await _volumes.DeleteAsync(VolumeKind.Volume, volume.Id.ToString(), CancellationToken.None);
        await WaitForALookAsync();
        Assert.DoesNotContain(Scrape(), line => line.Contains(volume.Id.ToString(), StringComparison.Ordinal));
        Assert.Empty(traffic.ByExport());
    }

    [Fact]
    public async Task Exclusive_bytes_are_read_in_the_background_when_somebody_has_looked_and_not_again_too_soon()
    {
        var clock = new FakeTimeProvider();
        var volume = await _volumes.CreateAsync(new VolumeRequest { Name = "v" }, CancellationToken.None);
        await using var meter = new OccupancyMeter(new MeteredPools(_pools), clock, _ => { });
        Assert.Equal(0, _fixture.Fast.OccupancyReadings);
        string[] expected =
        [
            $"csithin_volume_exclusive_bytes{{{Of(volume)}}} 131072", $"csithin_volume_shared_bytes{{{Of(volume)}}} 196608",
            $"csithin_pool_occupancy_timestamp_seconds{{pool=\"{Pool}\"}} {clock.GetUtcNow().ToUnixTimeSeconds()}",
        ];
        await UntilAsync(() => expected.All(Scrape().Contains));
        _ = await _volumes.CreateAsync(new VolumeRequest { Name = "w" }, CancellationToken.None);
        clock.Advance(OccupancyMeter.AgeMin - TimeSpan.FromSeconds(1));
        await LookAsync();
        Assert.Equal(1, _fixture.Fast.OccupancyReadings);
        clock.Advance(TimeSpan.FromSeconds(1));
        await UntilAsync(() => Scrape().Count(line => line.StartsWith("csithin_volume_exclusive", StringComparison.Ordinal)) == 2);
        clock.Advance(OccupancyMeter.AgeMin);
        await LookAsync();
        Assert.Equal(2, _fixture.Fast.OccupancyReadings); // nothing has changed
    }

    [Fact]
    public async Task A_pool_whose_reading_would_take_too_much_memory_is_not_read_and_says_so_once()
    {
        var said = new ConcurrentQueue<string>();
        var clock = new FakeTimeProvider();
        _fixture.Fast.DataBlocksTotal = _fixture.Fast.DataBlocksUsed = OccupancyMeter.BlocksMax + 1;
        await using var meter = new OccupancyMeter(new MeteredPools(_pools), clock, said.Enqueue);
        await UntilAsync(() =>
        {
            _ = Scrape();
            return !said.IsEmpty;
        });
        clock.Advance(OccupancyMeter.AgeMin);
        await LookAsync();
        Assert.Equal(
            ["The exclusive and shared bytes of pool 'meter-test' are not counted: 67108865 data blocks are in use, above the limit of " +
                "67108864"],
            said);
        Assert.Equal(0, _fixture.Fast.OccupancyReadings);
    }

    public void Dispose()
    {
        _exporter.Dispose();
        _fixture.Dispose();
    }

    /// <summary>One read on a connection of its own, which is over when this returns.</summary>
    private static void Read(NbdServer server, VolumeInfo volume, uint lengthBytes)
    {
        var (near, far) = SocketPair.Create();
        var attachment = server.Attach(near, volume.Id.ToString(), new MemoryBlockDevice(1 << 20).Open());
        using (var client = new RawNbdClient(new Socket(new SafeSocketHandle(far.DangerousGetHandle(), ownsHandle: true))))
            Assert.Equal(0u, client.Read(0, lengthBytes).Error);
        far.SetHandleAsInvalid();
        attachment.Join();
    }

    // The figures of one scrape are kept for a fifth of a second.
    private static Task WaitForALookAsync() => Task.Delay(250);

    /// <summary>Looks, and gives the background a moment to do what it should not.</summary>
    private async Task LookAsync()
    {
        _ = Scrape();
        await Task.Delay(100);
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (var i = 0; i < 400; i++)
        {
            if (isSo())
                return;
            await Task.Delay(50);
        }

        Assert.Fail("it never became so");
    }

    private static string Line(string name, long value) => $"csithin_pool_{name}{{pool=\"{Pool}\"}} {value}";

    private static string Of(VolumeInfo volume) => $"pool=\"{Pool}\",volume=\"{volume.Id}\"";

    private List<string> Scrape() =>
        [.. _exporter.Scrape().Split('\n').Where(line => line.Contains($"\"{Pool}\"", StringComparison.Ordinal))];

    private void AssertShown(IEnumerable<string> lines)
    {
        var shown = Scrape();
        Assert.All(lines, line => Assert.Contains(line, shown));
    }
}
