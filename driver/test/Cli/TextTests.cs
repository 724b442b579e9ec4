using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;
using CsiThin.Driver.Cli;
using CsiThin.Driver.Cli.Hosting;
using Xunit;

namespace CsiThin.Driver.Tests.Cli;

public sealed class TextTests
{
    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("4096B", 4096)]
    [InlineData("64K", 65536)]
    [InlineData("64k", 65536)]
    [InlineData("10G", 10L << 30)]
    [InlineData("10Gi", 10L << 30)]
    [InlineData("10GiB", 10L << 30)]
    [InlineData("3T", 3L << 40)]
    [InlineData("7E", 7L << 60)]
    public void A_size_is_read(string text, long bytes)
    {
        Assert.Equal(bytes, SizeText.Parse(text, 4096, out var error));
        Assert.Equal("", error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("G")]
    [InlineData("-")]
    [InlineData("1.5G")]
    [InlineData("10GB")]
    [InlineData("10 G")]
    [InlineData("+4096")]
    [InlineData("0x1000")]
    [InlineData("4096\n")]
    [InlineData("٤٠٩٦")]
    [InlineData("8E")]
    [InlineData("18446744073709551616")]
    [InlineData("0")]
    [InlineData("0G")]
    [InlineData("-4096")]
    [InlineData("4095")]
    public void What_is_no_size_is_refused_with_a_reason(string text)
    {
        Assert.Null(SizeText.Parse(text, 4096, out var error));
        Assert.NotEqual("", error);
        Assert.DoesNotContain(error, char.IsControl);
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(10L << 30, "10 GiB")]
    public void A_size_is_written(long bytes, string text) => Assert.Equal(text, SizeText.Format(bytes));

    [Theory]
    [InlineData("a=/x", "a", "/x", null, null)]
    [InlineData("a=/x,size=10G", "a", "/x", 10L << 30, null)]
    [InlineData("a=/x,size=10G,block=128K", "a", "/x", 10L << 30, 128L << 10)]
    [InlineData("a=/x,block=128K,size=10G", "a", "/x", 10L << 30, 128L << 10)]
    [InlineData("a=/x,y,size=1M", "a", "/x,y", 1L << 20, null)]
    [InlineData("a-b.c_9=x=y", "a-b.c_9", "x=y", null, null)]
    public void A_pool_option_is_read(string text, string name, string path, long? size, long? block)
    {
        Assert.Equal(new PoolOption(name, path, size, block), PoolOption.Parse(text, out var error));
        Assert.Equal("", error);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("=x")]
    [InlineData("a=")]
    [InlineData("a b=x")]
    [InlineData("a=,size=1G")]
    [InlineData("a=x,size=")]
    [InlineData("a=x,size=0")]
    [InlineData("a=x,block=1K")]
    [InlineData("a=x,block=2G")]
    [InlineData("a=x,colour=red")]
    [InlineData("a=x,warn=0")]
    [InlineData("a=x,warn=x")]
    [InlineData("a=x,warn=80/")]
    [InlineData("a=x,warn=1/2/3")]
    [InlineData("a=x,warn=91")]
    [InlineData("a=x,volumes=101")]
    [InlineData("a=x,warn=80/99")]
    [InlineData("a=x,queue=60")]
    [InlineData("a=x,queue=-1s")]
    [InlineData("a=x,queue=86401s")]
    [InlineData("a=x,queue=")]
    public void A_pool_option_that_makes_no_sense_is_refused(string text)
    {
        Assert.Null(PoolOption.Parse(text, out var error));
        Assert.NotEqual("", error);
    }

    [Fact]
    public void A_pool_option_says_what_is_done_when_space_runs_out()
    {
        var options = PoolOption.Parse("a=x,warn=70/50,snapshots=85/60,volumes=90/95,queue=2m", out _)!.ToOpenOptions(static _ => { });
        Assert.Equal(new SpaceThresholds(70, 85, 90), options.DataThresholds);
        Assert.Equal(new SpaceThresholds(50, 60, 95), options.MetadataThresholds);
        Assert.Equal(TimeSpan.FromMinutes(2), options.NoSpaceTimeout);
        Assert.Equal(TimeSpan.Zero, PoolOption.Parse("a=x,queue=0s", out _)!.Queue);
        var usual = PoolOption.Parse("a=x", out _)!.ToOpenOptions(static _ => { });
        Assert.Equal(new PoolOpenOptions().NoSpaceTimeout, usual.NoSpaceTimeout);
        Assert.Equal((new SpaceThresholds(), new SpaceThresholds()), (usual.DataThresholds, usual.MetadataThresholds));
        Assert.True(usual.GrowthCheckPeriod > TimeSpan.Zero);
    }

    [Theory]
    [InlineData("unix:///run/csi.sock", "/run/csi.sock")]
    [InlineData("unix:/run/csi.sock", "/run/csi.sock")]
    [InlineData("/run/csi.sock", "/run/csi.sock")]
    [InlineData("unix://run/csi.sock", null)]
    [InlineData("tcp://127.0.0.1:1", null)]
    [InlineData("", null)]
    public void An_endpoint_is_a_path(string text, string? path) => Assert.Equal(path, ServerArguments.ParseEndpoint(text, out _));

    [Fact]
    public void The_kernels_tables_name_every_region_in_sectors()
    {
        var uuid = Guid.ParseExact("0123456789abcdef0123456789abcdef", "N");
        var status = new PoolStatus
        {
            Uuid = uuid,
            Mode = PoolMode.Write,
            NeedsCheck = false,
            TransactionId = 3,
            DataBlockBytes = 128 << 10,
            DataBlocksTotal = 100,
            DataBlocksUsed = 1,
            MetadataBlocksTotal = 1000,
            MetadataBlocksUsed = 5,
            Extents =
            [
                new PoolExtent(new RegionExtent(2 << 20, 900 * 4096), new RegionExtent(8 << 20, 60 << 17)),
                new PoolExtent(new RegionExtent(20 << 20, 150 * 4096), new RegionExtent(30 << 20, 50 << 17)),
                new PoolExtent(new RegionExtent(80 << 20, 150 * 4096), new RegionExtent(90 << 20, 50 << 17)),
            ],
            ProvisionedBytes = 0,
            Commits = 0,
        };
        VolumeInfo Volume(ulong number, VolumeKind kind) => new()
        {
            Id = new VolumeId(uuid, number),
            Name = "it's",
            Kind = kind,
            ThinId = new ThinId((uint)number + 10),
            SizeBytes = 1 << 30,
            Parameters = new Dictionary<string, string>(),
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        var devices = DmTable.Of("/dev/sdx", status, [Volume(1, VolumeKind.Volume), Volume(2, VolumeKind.Snapshot)]);
        Assert.Equal(
            [
                "0 7200 linear /dev/sdx 4096\n7200 800 linear /dev/sdx 40960",
                "0 15360 linear /dev/sdx 16384\n15360 10240 linear /dev/sdx 61440",
                "0 25600 thin-pool /dev/mapper/csithin-01234567-meta /dev/mapper/csithin-01234567-data 256 0",
                "0 2097152 thin /dev/mapper/csithin-01234567-pool 11",
                "0 2097152 thin /dev/mapper/csithin-01234567-pool 12",
            ],
            devices.Select(device => device.Table));
        Assert.Equal([false, false, false, false, true], devices.Select(device => device.ReadOnly));
        using var text = new StringWriter();
        DmTable.Write(text, devices, "/a b/it's.img");
        Assert.Contains(@"losetup --direct-io=on --find --show '/a b/it'\''s.img'", text.ToString(), StringComparison.Ordinal);
        Assert.Contains(
            "printf '%s\\n' '0 7200 linear /dev/sdx 4096' '7200 800 linear /dev/sdx 40960' | dmsetup create csithin-01234567-meta  #",
            text.ToString(), StringComparison.Ordinal);
        Assert.Contains("dmsetup create csithin-01234567-2 --readonly --table '0 2097152 thin", text.ToString(), StringComparison.Ordinal);
    }
}
