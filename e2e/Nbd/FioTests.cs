using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Nbd;

/// <summary>fio's nbd engine: many requests in flight, every block read back and checked.</summary>
public sealed class FioTests
{
    [Theory]
    [InlineData(false, "--rw=randwrite", "--bs=4k", "--iodepth=32")]
    [InlineData(true, "--rw=randwrite", "--bs=4k", "--iodepth=32")]
    [InlineData(false, "--rw=write", "--bs=1M", "--iodepth=16")]
    [InlineData(true, "--rw=randwrite", "--bsrange=512-256k", "--blockalign=512", "--iodepth=64")]
    [InlineData(true, "--rw=randrw", "--bs=16k", "--iodepth=200")]
    public void What_fio_wrote_it_verifies(bool deferred, params string[] options)
    {
        using var host = new NbdHost(deferred);
        Tool.Run("fio", [
            "--name=verify", "--ioengine=nbd", $"--uri={host.Uri()}", "--size=48M", "--verify=crc32c", "--verify_fatal=1", "--do_verify=1",
            "--fsync=20", "--randrepeat=1", $"--directory={host.Directory.Path}", .. options]);
        Assert.True(host.Disk.Flushes > 0);
        Assert.DoesNotContain(host.Messages, message => message.StartsWith("Error", StringComparison.Ordinal));
    }
}
