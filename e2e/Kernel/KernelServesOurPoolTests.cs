using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Pool;
using CsiThin.Core.Tools.Check;
using CsiThin.EndToEnd.Pool;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Kernel;

/// <summary>
/// Nothing is locked in: the lines of <c>pool table</c> make the kernel's own dm-thin serve a pool of ours, and we take it back after that.
/// </summary>
[Trait(GuestBuild.Trait, GuestBuild.Both)]
public sealed class KernelServesOurPoolTests : IDisposable
{
    private const int VolumeBytes = 64 << 20;
    private const uint KernelsThin = 10;

    /// <summary>Here and there, so that mappings are read that lie in either extent's metadata.</summary>
    private const string ReadFiller = """
        filler=$(ls /dev/mapper/csithin-*-4)
        for block in $(seq 0 2000 149999) 149999; do
            dd if="$filler" bs=64k skip=$block count=1 iflag=direct status=none | cmp -n 65536 - /dev/zero
        done
        """;

    private readonly TempDirectory _directory = new();
    private readonly string _pool;

    public KernelServesOurPoolTests() => _pool = _directory.File("pool");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_kernel_reads_what_we_wrote_and_we_read_what_the_kernel_wrote(bool isGrown)
    {
        if (isGrown)
            GrownPool.Make(_pool);
        else
            ThinPool.Format(_pool, new PoolFormatOptions { SizeBytes = 256 << 20 });
        var (volume, before) = MakeVolumes();
        if (isGrown)
            GrownPool.Fill(_pool);
        var table = Support.Program.Run("pool", "table", _pool).Output.Replace("/dev/loopN", "/dev/ubda", StringComparison.Ordinal);
        File.WriteAllText(_directory.File("table"), table);

        var said = GuestKernel.Run(_directory, $"""
            bash -e {_directory.File("table")}
            volume=$(ls /dev/mapper/csithin-*-1) snapshot=$(ls /dev/mapper/csithin-*-2) pool=$(ls /dev/mapper/csithin-*-pool)
            doomed=$(ls /dev/mapper/csithin-*-3)
            cmp "$snapshot" {_directory.File("before")}
            cmp "$volume" {_directory.File("now")}
            cmp "$doomed" {_directory.File("doomed")}
            {(isGrown ? ReadFiller : "")}
            e2fsck -fn "$volume"
            mkdir /mnt/volume
            mount "$volume" /mnt/volume
            head -c 5000000 /dev/urandom >/mnt/volume/by-the-kernel
            rm /mnt/volume/Committer.cs
            sync
            cp /mnt/volume/by-the-kernel {_directory.File("by-the-kernel")}
            umount /mnt/volume
            dd if="$volume" of={_directory.File("taken")} bs=1M status=none
            dmsetup suspend $(basename "$volume")
            dmsetup message $(basename "$pool") 0 "create_snap {KernelsThin} 1"
            dmsetup resume $(basename "$volume")
            dd if=/dev/urandom of="$volume" bs=4096 seek={VolumeBytes / 4096 - 1} count=1 oflag=direct conv=notrunc status=none
            dd if="$volume" of={_directory.File("after")} bs=1M status=none
            cmp "$snapshot" {_directory.File("before")}
            dmsetup remove $(basename "$doomed")
            dmsetup message $(basename "$pool") 0 "delete 3"
            dmsetup status "$pool"
            dmsetup remove $(basename "$volume") $(basename "$snapshot") {(isGrown ? "$(basename $filler)" : "")} $(basename "$pool")
            """, _pool);
        Assert.DoesNotContain("needs_check", said, StringComparison.Ordinal);

        TakeBack();
        Assert.Equal(File.ReadAllBytes(_directory.File("after")), ReadVolume(volume));
        Assert.Equal(before, ReadVolume(volume with { Id = new VolumeId(volume.Id.Pool, 2) }));
        Assert.Equal(File.ReadAllBytes(_directory.File("taken")), ReadVolume(Find("taken-by-the-kernel")));
        var image = _directory.File("after");
        Tool.Run("e2fsck", "-fn", image);
        Assert.Contains("by-the-kernel", Tool.Run("debugfs", "-R", "ls /", image), StringComparison.Ordinal);
    }

    /// <summary>
    /// The metadata is sound, and the catalog names what the kernel has deleted and does not know what it has made; both are put right.
    /// </summary>
    private void TakeBack()
    {
        using (var inspector = PoolInspector.Open(_pool))
        {
            Assert.Empty(MetadataChecker.Check(inspector.Metadata));
            var findings = inspector.Check();
            Assert.Equal(2, findings.Count);
            Assert.Contains(findings, finding => finding.Contains("names 'doomed'", StringComparison.Ordinal));
            Assert.Contains(findings, finding => finding.Contains($"has thin device {KernelsThin}", StringComparison.Ordinal));
        }
        using (var pool = ThinPool.Open(_pool, new PoolOpenOptions()))
        {
            pool.Adopt(new ThinId(KernelsThin), "taken-by-the-kernel", VolumeKind.Snapshot, VolumeBytes);
            pool.Delete(pool.FindVolumeByName(VolumeKind.Volume, "doomed")!.Id);
            pool.Close();
        }
        using (var inspector = PoolInspector.Open(_pool))
            Assert.Empty(inspector.Check());
    }

    private VolumeInfo Find(string name)
    {
        using var inspector = PoolInspector.Open(_pool);
        return inspector.Volumes.Single(usage => usage.Volume.Name == name).Volume;
    }

    /// <summary>
    /// An ext4 file system with real files in volume 1, snapshot 2 of it, a change to the volume after that, and a volume 3.
    /// </summary>
    private (VolumeInfo Volume, byte[] Before) MakeVolumes()
    {
        var image = _directory.SparseFile("before", VolumeBytes);
        var files = Directory.CreateDirectory(_directory.File("files")).FullName;
        for (var i = 0; i < 30; i++)
            File.WriteAllBytes(Path.Combine(files, $"file-{i}"), Pattern(100_000 + i * 4099, i));
        File.WriteAllText(Path.Combine(files, "Committer.cs"), "to be removed by the kernel");
        Tool.Run("mkfs.ext4", "-q", "-d", files, image);
        var bytes = File.ReadAllBytes(image);

        using var pool = ThinPool.Open(_pool, new PoolOpenOptions());
        var volume = pool.Create(new VolumeSpec { Name = "web", SizeBytes = VolumeBytes });
        using (var device = pool.OpenDevice(volume.Id, readOnly: false))
        using (var client = new BlockClient(device))
        {
            for (var at = 0; at < bytes.Length; at += 1 << 20)
            {
                if (bytes.AsSpan(at, 1 << 20).ContainsAnyExcept((byte)0))
                    Assert.Equal(BlockError.None, client.Write(at, bytes.AsSpan(at, 1 << 20)));
            }
            _ = pool.Create(new VolumeSpec { Name = "web-1", Kind = VolumeKind.Snapshot, Source = volume.Id });
            // The last block of a file system is not its own: a change there breaks sharing and harms no file.
            Assert.Equal(BlockError.None, client.Write(VolumeBytes - 4096, Pattern(4096, 99)));
        }
        File.WriteAllBytes(_directory.File("now"), [.. bytes.AsSpan(0, VolumeBytes - 4096), .. Pattern(4096, 99)]);
        MakeDoomed(pool);
        pool.Close();
        return (volume, bytes);
    }

    private void MakeDoomed(ThinPool pool)
    {
        var doomed = pool.Create(new VolumeSpec { Name = "doomed", SizeBytes = 8 << 20 });
        var content = Pattern(8 << 20, 3);
        using var device = pool.OpenDevice(doomed.Id, readOnly: false);
        using var client = new BlockClient(device);
        Assert.Equal(BlockError.None, client.Write(0, content));
        File.WriteAllBytes(_directory.File("doomed"), content);
    }

    private byte[] ReadVolume(VolumeInfo volume)
    {
        using var pool = ThinPool.Open(_pool, new PoolOpenOptions { ReadOnly = true });
        using var device = pool.OpenDevice(volume.Id, readOnly: true);
        using var client = new BlockClient(device);
        return client.Read(0, VolumeBytes);
    }

    private static byte[] Pattern(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
