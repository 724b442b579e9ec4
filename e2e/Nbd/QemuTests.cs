using System.Text.Json;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Nbd;

/// <summary>QEMU's NBD client, through qemu-img and qemu-io.</summary>
public sealed class QemuTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Qemu_img_converts_and_compares(bool deferred)
    {
        using var host = new NbdHost(deferred);
        var image = host.SparseImage(seed: 11);
        Tool.Run("qemu-img", "convert", "-n", "-m", "16", "-W", "-f", "raw", "-O", "raw", image, host.Uri());
        Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "raw", image, host.Uri("snapshot"));
        var copy = host.Directory.File("copy.qcow2");
        Tool.Run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", host.Uri("snapshot"), copy);
        Tool.Run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", image, copy);
    }

    [Fact]
    public void Qemu_img_sees_size_and_holes()
    {
        using var host = new NbdHost();
        Tool.Run("qemu-io", "-f", "raw", "-c", "write -P 1 2M 64k", host.Uri());
        using var info = JsonDocument.Parse(Tool.Run("qemu-img", "info", "-f", "raw", "--output=json", host.Uri()));
        Assert.Equal(NbdHost.DiskBytes, info.RootElement.GetProperty("virtual-size").GetInt64());
        using var map = JsonDocument.Parse(Tool.Run("qemu-img", "map", "-f", "raw", "--output=json", host.Uri()));
        Assert.Equal(
            [(0, false), (2 << 20, true), ((2 << 20) + (64 << 10), false)],
            map.RootElement.EnumerateArray().Select(e => (e.GetProperty("start").GetInt64(), e.GetProperty("data").GetBoolean())));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Qemu_io_reads_the_patterns_it_wrote(bool deferred)
    {
        using var host = new NbdHost(deferred);
        QemuIo(
            host.Uri(), "write -P 0xab 0 1M", "write -f -P 0xcd 1000448 3584", "read -P 0xab 0 1000448",
            "read -P 0xcd 1000448 3584", "flush");
        QemuIo(host.Uri(), "write -z 64k 128k", "read -P 0 64k 128k", "read -P 0xab 0 64k", "write -z -u 512k 64k", "read -P 0 512k 64k");
        QemuIo(host.Uri(), "discard 256k 64k", "read -P 0 256k 64k", "write -P 7 63M 1M", "read -P 7 63M 1M");
        QemuIo(
            host.Uri(), "aio_write -P 1 2M 64k", "aio_write -P 2 3M 64k", "aio_write -P 3 4M 1M", "aio_flush",
            "read -P 1 2M 64k", "read -P 2 3M 64k", "read -P 3 4M 1M");
        Assert.False(host.Disk.IsAllocated(256 << 10));
        Assert.True(host.Disk.DurableWrites > 0 && host.Disk.Flushes > 0);
    }

    [Fact]
    public void A_read_only_export_is_read_and_not_written()
    {
        using var host = new NbdHost();
        Tool.Run("qemu-io", "-r", "-f", "raw", "-c", "read -P 0 0 1M", host.Uri("snapshot"));
        var (exitCode, output) = Tool.TryRun("qemu-io", "-f", "raw", "-c", "write 0 4k", host.Uri("snapshot"));
        Assert.NotEqual(0, exitCode);
        Assert.Contains("Permission denied", output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_export_is_told_to_be_unknown()
    {
        using var host = new NbdHost();
        var (exitCode, output) = Tool.TryRun("qemu-img", "info", host.Uri("none"));
        Assert.NotEqual(0, exitCode);
        Assert.Contains("there is no export of that name", output, StringComparison.Ordinal);
    }

    private static void QemuIo(string uri, params string[] commands)
    {
        var output = Tool.Run("qemu-io", ["-f", "raw", .. commands.SelectMany(command => new[] { "-c", command }), uri]);
        // It exits with 0 even where a pattern differs.
        Assert.DoesNotContain("verification failed", output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("failed:", output, StringComparison.OrdinalIgnoreCase);
    }
}
