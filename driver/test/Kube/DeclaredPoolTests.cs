using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Kube.Declared;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>Which device becomes a declared pool, and which never does.</summary>
public sealed class DeclaredPoolTests
{
    private static readonly Dictionary<string, string> NoLabels = [];

    private readonly FakeBlockDevices _devices = new();

    public DeclaredPoolTests()
    {
        _devices.Add("/dev/sda", "sda", 500, "a partition table (GPT)");
        _devices.Add("/dev/sda1", "sda1", 1, null, isPartition: true);
        _devices.Add("/dev/sda2", "sda2", 400, null, isPartition: true, busy: "mounted on /");
        _devices.Add("/dev/nvme0n1", "nvme0n1", 1000, null);
        _devices.Link("/dev/disk/by-id/nvme-good", "/dev/nvme0n1");
        _devices.Add("/dev/nbd0", "nbd0", 1000, null);
        _devices.Add("/dev/loop7", "loop7", 1000, null);
        _devices.Add("/dev/dm-0", "dm-0", 1000, null);
    }

    [Fact]
    public void The_one_empty_disk_is_formatted_and_found_again()
    {
        var declaration = Declare("/dev/disk/by-id/nvme-*");
        var made = Resolve(declaration);
        Assert.Equal(("/dev/disk/by-id/nvme-good", true, null), (made.Path, made.IsNew, made.Trouble));
        Assert.Equal(["/dev/disk/by-id/nvme-good"], _devices.Formatted);
        var again = Resolve(declaration);
        Assert.Equal(("/dev/disk/by-id/nvme-good", false), (again.Path, again.IsNew));
        Assert.Single(_devices.Formatted);
    }

    [Fact]
    public void A_list_that_matches_everything_takes_the_one_empty_disk_and_says_what_it_left()
    {
        var made = Resolve(Declare("/dev/*"));
        Assert.Equal("/dev/nvme0n1", made.Path);
        Assert.Equal(["/dev/nvme0n1"], _devices.Formatted);
        Assert.Equal(
            [
                "/dev/dm-0 (dm-0) is no disk: name it without * and ? if it is meant",
                "/dev/loop7 (loop7) is no disk: name it without * and ? if it is meant",
                "/dev/nbd0 (nbd0) is of a kind that never becomes a pool",
                "/dev/sda holds a partition table (GPT)",
                "/dev/sda1 is a partition: name it without * and ? if it is meant",
                "/dev/sda2 is a partition: name it without * and ? if it is meant",
            ],
            made.Refusals.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("/dev/sda", "no device fits: /dev/sda holds a partition table (GPT)")]
    [InlineData("/dev/sda2", "no device fits: /dev/sda2 is in use: mounted on /")]
    [InlineData("/dev/nbd0", "no device fits: /dev/nbd0 (nbd0) is of a kind that never becomes a pool")]
    [InlineData("/dev/sdq", "no device fits: /dev/sdq is no block device of this node")]
    [InlineData("/dev/disk/by-id/none-*", "no device fits: there is none at '/dev/disk/by-id/none-*'")]
    public void What_is_refused_is_left_alone_and_said(string path, string message)
    {
        var refused = Resolve(Declare(path));
        Assert.Equal((null, "NoDevice", message), (refused.Path, refused.Trouble?.Reason, refused.Trouble?.Message));
        Assert.Empty(_devices.Formatted);
        Assert.Equal(("bulk", refused.Trouble), (refused.Reading.Name, refused.Reading.Trouble));
    }

    [Fact]
    public void Named_without_a_pattern_a_partition_and_a_loop_device_are_taken()
    {
        Assert.Equal("/dev/sda1", Resolve(Declare("/dev/sda1")).Path);
        Assert.Equal("/dev/loop7", Resolve(Declare("/dev/loop7")).Path);
    }

    [Fact]
    public void Two_that_fit_are_none_but_one_that_is_the_pool_is_it()
    {
        _devices.Add("/dev/sdb", "sdb", 1000, null);
        var several = Resolve(Declare("/dev/nvme0n1", "/dev/disk/by-id/nvme-good", "/dev/sdb"));
        Assert.Equal("SeveralDevices", several.Trouble?.Reason);
        Assert.Equal("2 empty devices fit: /dev/nvme0n1, /dev/sdb; narrow the declaration to one", several.Trouble?.Message);
        Assert.Empty(_devices.Formatted);

        _devices.Format("/dev/sdb", new PoolFormatOptions());
        Assert.Equal("/dev/sdb", Resolve(Declare("/dev/nvme0n1", "/dev/sdb")).Path);
        _devices.Format("/dev/nvme0n1", new PoolFormatOptions());
        Assert.StartsWith("2 devices hold pools", Resolve(Declare("/dev/nvme0n1", "/dev/sdb")).Trouble?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_size_decides_and_each_device_is_taken_once()
    {
        _devices.Add("/dev/sdb", "sdb", 4000, null);
        var outcomes = new DeclaredPools(_devices, RememberedPools.None).Resolve(
            DeclarationFile.Parse("pools.yaml", """
                pools:
                - name: small
                  devices: {paths: ["/dev/sd*", "/dev/nvme*"], maximumSize: 2000Gi, minimumSize: 600Gi}
                  blockSize: 128Ki
                - name: large
                  devices: {paths: ["/dev/sd*", "/dev/nvme*"], minimumSize: 900Gi}
                """),
            NoLabels,
            makes: true);
        Assert.Equal(["/dev/nvme0n1", "/dev/sdb"], outcomes.Select(one => one.Path));
        Assert.Equal([128 << 10, 64 << 10], _devices.BlockBytes);
    }

    [Fact]
    public void A_look_changes_nothing_and_says_what_the_engine_has_to_do()
    {
        var empty = Look();
        Assert.True(empty.IsNew);
        Assert.Empty(_devices.Formatted);
        Assert.Equal(
            new PoolTrouble("PoolNotServed", "/dev/nvme0n1 is empty and is formatted when this node's engine is restarted"),
            empty.Reading.Trouble);

        Resolve(Declare("/dev/nvme0n1"));
        Assert.Equal("PoolNotServed", Look().Reading.Trouble?.Reason);
        Assert.StartsWith("/dev/nvme0n1 holds the pool, but", Look().Reading.Trouble?.Message, StringComparison.Ordinal);

        DeclaredPool Look() => Assert.Single(
            new DeclaredPools(_devices, RememberedPools.None).Resolve([Declare("/dev/nvme0n1")], NoLabels, makes: false));
    }

    [Fact]
    public void What_stops_being_empty_in_the_last_moment_is_left_alone()
    {
        _devices.BeforeFormat = () => throw new PoolException(PoolError.HoldsData, "/dev/nvme0n1 holds an XFS file system");
        var refused = Resolve(Declare("/dev/nvme0n1"));
        Assert.Equal((null, "NotFormatted"), (refused.Path, refused.Trouble?.Reason));
    }

    [Fact]
    public void Only_declarations_for_the_nodes_labels_apply()
    {
        var declarations = DeclarationFile.Parse("f", """
            pools:
            - name: fast
              nodeSelector: {disktype: nvme, "node.kubernetes.io/zone": a}
              devices: {paths: /dev/nvme0n1}
            - name: fast
              nodeSelector: {disktype: sata}
              devices: {paths: /dev/sdb}
            """);
        var nvme = new Dictionary<string, string> { ["disktype"] = "nvme", ["node.kubernetes.io/zone"] = "a" };
        var pools = new DeclaredPools(_devices, RememberedPools.None);
        Assert.Equal("/dev/nvme0n1", Assert.Single(pools.Resolve(declarations, nvme, makes: false)).Path);
        Assert.Empty(pools.Resolve(declarations, NoLabels, makes: false));
        var twice = Assert.Throws<VolumeException>(() => pools.Resolve([.. declarations, .. declarations], nvme, makes: false));
        Assert.Equal("pool 'fast' is declared 2 times for this node", twice.Message);
    }

    [Theory]
    [InlineData("pools: [{name: a, device: {paths: /dev/x}}]", "f:1: unknown key 'device' in a pool; the nearest known one is 'devices'")]
    [InlineData("pools: [{name: a, devices: {path: /dev/x}}]", "f:1: unknown key 'path' in devices; the nearest known one is 'paths'")]
    [InlineData("pool: []", "f:1: unknown key 'pool' in the file; the nearest known one is 'pools'")]
    [InlineData("pools: [{devices: {paths: /dev/x}}]", "f:1: a pool has no name")]
    [InlineData("pools:\n- name: a", "f:2: pool 'a': devices.paths is empty: say which devices are meant")]
    [InlineData("pools: [{name: a, devices: {paths: sda}}]", "f:1: pool 'a': devices.paths: 'sda' is no path below /dev")]
    [InlineData("pools: [{name: a, devices: {paths: /dev/../etc}}]", "f:1: pool 'a': devices.paths: '/dev/../etc' is no path below /dev")]
    [InlineData(
        "pools: [{name: a, devices: {paths: /dev/*/x}}]",
        "f:1: pool 'a': devices.paths: '/dev/*/x' has * or ? before its last part")]
    [InlineData(
        "pools: [{name: a, devices: {paths: /dev/x, minimumSize: 2Ti, maximumSize: 1Ti}}]",
        "f:1: pool 'a': devices.minimumSize 2Ti is above devices.maximumSize 1Ti")]
    [InlineData(
        "pools: [{name: a, devices: {paths: /dev/x, minimumSize: 2 TB}}]",
        "f:1: pool 'a': devices.minimumSize: '2 TB' is no size such as 100Gi")]
    [InlineData(
        "pools: [{name: a, devices: {paths: /dev/x}, blockSize: 100Ki}]",
        "f:1: pool 'a': blockSize: 100Ki is no multiple of 64Ki from 64Ki to 1Gi")]
    [InlineData(
        "pools: [{name: a, devices: {paths: /dev/x}, thresholds: {nearlyFullPercent: 0}}]",
        "f:1: pool 'a': thresholds.nearlyFullPercent: 0 is not within 1 to 100")]
    [InlineData(
        "pools: [{name: a, devices: {paths: /dev/x}, thresholds: {volumesRefusedPercent: 101}}]",
        "f:1: pool 'a': thresholds.volumesRefusedPercent: 101 is not within 1 to 100")]
    [InlineData(
        "pools: [{name: a, devices: {paths: /dev/x}, thresholds: {queueSeconds: 86401}}]",
        "f:1: pool 'a': thresholds.queueSeconds: 86401 is not within 0 to 86400")]
    [InlineData(
        "pools: [{name: a, devices: {paths: /dev/x}, thresholds: {nearlyFullPercent: 95, snapshotsRefusedPercent: 90}}]",
        "f:1: pool 'a': thresholds: The thresholds warn=95, snapshots=90 and volumes=95 make no sense: they are percentages from 1 to 100, "
        + "none below the one before it.")]
    [InlineData(
        "pools: [{name: a, devices: {paths: /dev/x}, thresholds: {snapshotRefusedPercent: 90}}]",
        "f:1: unknown key 'snapshotRefusedPercent' in thresholds; the nearest known one is 'snapshotsRefusedPercent'")]
    [InlineData("pools: {a: b}", "f:1: pools is no list")]
    public void A_declaration_that_makes_no_sense_is_refused_with_the_place(string text, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<VolumeException>(() => DeclarationFile.Parse("f", text)).Message);

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("pools:\n")]
    [InlineData("pools: []")]
    public void Nothing_declared_is_nothing(string text) => Assert.Empty(DeclarationFile.Parse("f", text));

    private static PoolDeclaration Declare(params string[] paths) =>
        PoolDeclaration.Of("here", new ThinPoolSpec { PoolName = "bulk", Devices = new ThinPoolDevices { Paths = paths } });

    private DeclaredPool Resolve(PoolDeclaration declaration) =>
        Assert.Single(new DeclaredPools(_devices, RememberedPools.None).Resolve([declaration], NoLabels, makes: true));
}
