using Csi.V1;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Node;
using CsiThin.Driver.Volumes;
using Xunit;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace CsiThin.Driver.Tests.Node;

/// <summary>What a request may ask of a node.</summary>
public sealed class NodeRulesTests
{
    [Theory]
    [InlineData(Mode.SingleNodeWriter, nameof(AccessMode.SingleWriter))]
    [InlineData(Mode.SingleNodeSingleWriter, nameof(AccessMode.SingleWriter))]
    [InlineData(Mode.SingleNodeMultiWriter, nameof(AccessMode.MultiWriter))]
    [InlineData(Mode.SingleNodeReaderOnly, nameof(AccessMode.SingleReader))]
    public void Every_single_node_mode_is_understood(Mode mode, string expected)
    {
        var access = NodeRules.ReadAccess("volume 'a'", Mount(mode, "xfs", "noatime", "ro"));
        Assert.Equal((expected, "xfs", true), (access.Mode.ToString(), access.FileSystem, access.IsReadOnly));
        Assert.True(NodeRules.ReadAccess("volume 'a'", new() { Block = new(), AccessMode = new() { Mode = mode } }).IsBlock);
    }

    [Theory]
    [InlineData(Mode.Unknown)]
    [InlineData(Mode.MultiNodeReaderOnly)]
    [InlineData(Mode.MultiNodeSingleWriter)]
    [InlineData(Mode.MultiNodeMultiWriter)]
    [InlineData((Mode)77)]
    public void Other_modes_are_refused(Mode mode) => Refused(Mount(mode, ""));

    [Theory]
    [InlineData("")]
    [InlineData("-t")]
    [InlineData("noatime,suid")]
    [InlineData("a b")]
    [InlineData("a\nb")]
    [InlineData("bind")]
    [InlineData("remount")]
    [InlineData("loop=/dev/loop3")]
    [InlineData("X-mount.mkdir")]
    [InlineData("helper=evil")]
    public void Flags_that_are_no_single_option_of_a_file_system_are_refused_without_being_shown(string flag)
    {
        var message = Refused(Mount(Mode.SingleNodeWriter, "", "noatime", flag));
        Assert.Contains("mount flag 2 of 2", message, StringComparison.Ordinal);
        Assert.True(flag.Length < 4 || !message.Contains(flag, StringComparison.Ordinal), message);
    }

    [Fact]
    public void Flags_and_file_systems_have_their_limits()
    {
        Assert.Contains("4097 bytes", Refused(Mount(Mode.SingleNodeWriter, "", new string('a', 4097))), StringComparison.Ordinal);
        Assert.Contains(
            "there is ext4, xfs, btrfs", Refused(Mount(Mode.SingleNodeWriter, "ntfs")), StringComparison.Ordinal);
        Refused(null);
        Refused(new VolumeCapability { AccessMode = new() { Mode = Mode.SingleNodeWriter } });
        Refused(new VolumeCapability { Mount = new() { VolumeMountGroup = "1000" }, AccessMode = new() { Mode = Mode.SingleNodeWriter } });
    }

    [Theory]
    [InlineData("1Gi", 1L << 30)]
    [InlineData("1.5Gi", 3L << 29)]
    [InlineData("500M", 500_000_000)]
    [InlineData("1048576", 1 << 20)]
    [InlineData("0.3", 1)]
    public void Quantities_are_read(string text, long bytes) => Assert.Equal(bytes, QuantityText.Parse("volume 'a'", "size", text));

    [Theory]
    [InlineData("")]
    [InlineData("Gi")]
    [InlineData("-1Gi")]
    [InlineData("0")]
    [InlineData("1gb")]
    [InlineData("1e3Gi")]
    [InlineData("99999999999999999999Pi")]
    public void What_is_no_quantity_is_refused(string text) =>
        Assert.Equal(
            VolumeError.InvalidArgument,
            Assert.Throws<VolumeException>(() => QuantityText.Parse("volume 'a'", "size", text)).Error);

    [Theory]
    [InlineData("-i 65536 -O ^has_journal", true)]
    [InlineData("", true)]
    [InlineData("-d /etc", false)]
    [InlineData("sda1", false)]
    [InlineData("-m\n0", false)]
    public void Options_for_mkfs_hold_no_path(string value, bool isGood)
    {
        var parameters = new Dictionary<string, string> { [ParameterRules.MkfsOptions] = value };
        if (isGood)
            ParameterRules.CheckVolume("volume 'a'", parameters);
        else
            Assert.Throws<VolumeException>(() => ParameterRules.CheckVolume("volume 'a'", parameters));
    }

    [Fact]
    public void A_sector_has_512_or_4096_bytes() => Assert.Contains(
        "must be 512 or 4096",
        Assert.Throws<VolumeException>(
            () => ParameterRules.CheckVolume("v", new Dictionary<string, string> { [ParameterRules.SectorSize] = "1024" })).Message,
        StringComparison.Ordinal);

    private static VolumeCapability Mount(Mode mode, string fileSystem, params string[] flags) =>
        new() { Mount = new() { FsType = fileSystem, MountFlags = { flags } }, AccessMode = new() { Mode = mode } };

    private static string Refused(VolumeCapability? capability)
    {
        var refusal = Assert.Throws<VolumeException>(() => NodeRules.ReadAccess("volume 'a'", capability));
        Assert.Equal(VolumeError.InvalidArgument, refusal.Error);
        return refusal.Message;
    }
}
