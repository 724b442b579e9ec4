using System.Diagnostics;
using System.Text.Json;
using CsiThin.Core.Device;
using CsiThin.Core.Tests.Support;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Nbd;

/// <summary>libnbd's programs: nbdinfo and nbdcopy.</summary>
public sealed class LibnbdTests
{
    private const int LimitMs = 120_000;

    [Fact]
    public void Nbdinfo_sees_the_export_as_it_is()
    {
        using var host = new NbdHost();
        using var json = JsonDocument.Parse(Tool.Run("nbdinfo", "--json", host.Uri()));
        Assert.Equal("newstyle-fixed", json.RootElement.GetProperty("protocol").GetString());
        Assert.True(json.RootElement.GetProperty("structured").GetBoolean());
        var export = json.RootElement.GetProperty("exports")[0];
        Assert.Equal(NbdHost.DiskBytes, export.GetProperty("export-size").GetInt64());
        Assert.Equal("the disk", export.GetProperty("description").GetString());
        Assert.Equal(["base:allocation"], export.GetProperty("contexts").EnumerateArray().Select(context => context.GetString()));
        Assert.Equal((1, 65536, 32 << 20), (
            export.GetProperty("block_size_minimum").GetInt32(), export.GetProperty("block_size_preferred").GetInt32(),
            export.GetProperty("block_size_maximum").GetInt32()));
        foreach (var ability in new[] { "cache", "df", "fast_zero", "flush", "fua", "multi_conn", "trim", "zero" })
            Assert.True(export.GetProperty($"can_{ability}").GetBoolean(), ability);
        Assert.False(export.GetProperty("is_read_only").GetBoolean());
    }

    [Fact]
    public void Nbdinfo_answers_by_exit_code()
    {
        using var host = new NbdHost();
        Assert.Equal($"{NbdHost.DiskBytes}", Tool.Run("nbdinfo", "--size", host.Uri()).Trim());
        string[] abilities =
            ["multi-conn", "connect", "write", "trim", "zero", "fua", "flush", "cache", "df", "fast-zero", "structured-reply"];
        foreach (var ability in abilities)
            Tool.Run("nbdinfo", "--can", ability, host.Uri());
        Tool.Run("nbdinfo", "--is", "read-only", host.Uri("snapshot"));
        Assert.Equal(2, Tool.TryRun("nbdinfo", "--is", "tls", host.Uri()).ExitCode);
        Assert.Equal(2, Tool.TryRun("nbdinfo", "--can", "write", host.Uri("snapshot")).ExitCode);
        Assert.Equal(1, Tool.TryRun("nbdinfo", "--size", host.Uri("none")).ExitCode);
    }

    [Fact]
    public void Nbdinfo_lists_every_export()
    {
        using var host = new NbdHost();
        host.Exports.With("größe/ä b", 4096, () => new MemoryBlockDevice(4096), "not ASCII");
        using var json = JsonDocument.Parse(Tool.Run("nbdinfo", "--list", "--json", host.Uri("")));
        Assert.Equal(
            ["disk", "größe/ä b", "snapshot"],
            json.RootElement.GetProperty("exports").EnumerateArray().Select(export => export.GetProperty("export-name").GetString()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nbdinfo_maps_holes_and_data(bool deferred)
    {
        using var host = new NbdHost(deferred);
        Tool.Run("qemu-io", "-f", "raw", "-c", "write 64k 4k", "-c", "write 1M 128k", host.Uri());
        using var json = JsonDocument.Parse(Tool.Run("nbdinfo", "--map", "--json", host.Uri()));
        Assert.Equal(
            [
                (0, 64 << 10, 3), (64 << 10, 64 << 10, 0), (128 << 10, 896 << 10, 3), (1 << 20, 128 << 10, 0),
                (1152 << 10, NbdHost.DiskBytes - (1152 << 10), 3),
            ],
            json.RootElement.EnumerateArray().Select(extent => (
                extent.GetProperty("offset").GetInt64(), extent.GetProperty("length").GetInt64(), extent.GetProperty("type").GetInt32())));
    }

    [Theory]
    [InlineData(false, "--connections=4", "--requests=64")]
    [InlineData(false, "--connections=1", "--requests=16")]
    [InlineData(true, "--connections=4", "--requests=64")]
    [InlineData(true, "--synchronous", "--request-size=1048576")]
    [InlineData(false, "--connections=1", "--request-size=33554432")]
    public void Nbdcopy_brings_an_image_in_and_out_unchanged(bool deferred, params string[] options)
    {
        using var host = new NbdHost(deferred);
        var image = host.SparseImage(seed: 7);
        var back = host.Directory.SparseFile("back", NbdHost.DiskBytes);
        Tool.Run("nbdcopy", [.. options, "--flush", image, host.Uri()]);
        Tool.Run("nbdcopy", [.. options, host.Uri("snapshot"), back]);
        Tool.Run("cmp", image, back);
        Assert.True(host.Disk.Flushes > 0);
    }

    [Fact]
    public void Nbdcopy_keeps_holes_as_holes()
    {
        using var host = new NbdHost();
        var image = host.Directory.SparseFile("image", NbdHost.DiskBytes);
        using (var file = new FileStream(image, FileMode.Open))
        {
            file.Position = 10 << 20;
            file.Write("the only data"u8);
        }
        Tool.Run("nbdcopy", image, host.Uri());
        Assert.True(host.Disk.IsAllocated(10 << 20));
        Assert.False(host.Disk.IsAllocated(0) || host.Disk.IsAllocated(20 << 20) || host.Disk.IsAllocated(NbdHost.DiskBytes - 1));
    }

    [Fact]
    public void A_client_that_is_killed_leaves_nothing_behind()
    {
        using var host = new NbdHost(deferred: true);
        var served = 0;
        host.Disk.Fault = _ =>
        {
            Interlocked.Increment(ref served);
            return BlockError.None;
        };
        string[] traffic =
        [
            "--name=x", "--ioengine=nbd", $"--uri={host.Uri()}", "--rw=randrw", "--bs=4k", "--iodepth=64", "--time_based", "--runtime=60",
            "--size=64M", "--thread",
        ];
        var start = new ProcessStartInfo("fio", traffic) { RedirectStandardOutput = true, RedirectStandardError = true };
        using (var fio = Process.Start(start)!)
        {
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref served) > 2000, LimitMs));
            fio.Kill(entireProcessTree: true);
            fio.WaitForExit();
        }
        Assert.True(SpinWait.SpinUntil(() => host.ConnectionCount == 0 && host.Disk.OpenQueues == 0, LimitMs));
        Tool.Run("nbdinfo", "--size", host.Uri());
    }
}
