using System.Buffers.Binary;
using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>Pools on real files: formatting, ownership, and every kind of disk that is not what it should be.</summary>
public sealed class PoolFileTests : IDisposable
{
    private const long PoolBytes = 64 << 20;
    private readonly string _directory = Directory.CreateTempSubdirectory("csithin-pool-").FullName;

    private string PoolPath => Path.Combine(_directory, "pool");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_pool_on_a_new_file_keeps_what_was_written()
    {
        ThinPool.Format(PoolPath, new PoolFormatOptions { SizeBytes = PoolBytes });
        Assert.Equal(PoolBytes, new FileInfo(PoolPath).Length);
        VolumeInfo volume;
        using (var pool = ThinPool.Open(PoolPath, new PoolOpenOptions()))
        {
            volume = pool.Create(new VolumeSpec { Name = "a", SizeBytes = 1 << 30 });
            using (var device = pool.OpenDevice(volume.Id, readOnly: false))
            using (var client = new BlockClient(device))
                Assert.Equal(BlockError.None, client.Write(12345, ThinPoolTests.Pattern(100_000, 1)));
            pool.Close();
        }
        using (var pool = ThinPool.Open(PoolPath, new PoolOpenOptions { ReadOnly = true }))
        using (var device = pool.OpenDevice(volume.Id, readOnly: true))
        using (var client = new BlockClient(device))
            Assert.Equal(ThinPoolTests.Pattern(100_000, 1), client.Read(12345, 100_000));
        using var inspector = PoolInspector.Open(PoolPath);
        Assert.Empty(inspector.Check());
        Assert.Equal(128 << 10, inspector.Volumes.Single().MappedBytes);
    }

    [Fact]
    public void A_pool_has_one_owner_at_a_time()
    {
        ThinPool.Format(PoolPath, new PoolFormatOptions { SizeBytes = PoolBytes });
        using var pool = ThinPool.Open(PoolPath, new PoolOpenOptions());
        foreach (var attempt in new Action[]
        {
            () => ThinPool.Open(PoolPath, new PoolOpenOptions()),
            () => PoolInspector.Open(PoolPath),
            () => ThinPool.Format(PoolPath, new PoolFormatOptions { Force = true }),
        })
            Refuses(PoolError.Busy, attempt, PoolPath);
    }

    [Fact]
    public void Formatting_refuses_what_holds_anything()
    {
        ThinPool.Format(PoolPath, new PoolFormatOptions { SizeBytes = PoolBytes });
        Refuses(PoolError.HoldsData, () => ThinPool.Format(PoolPath, new PoolFormatOptions()), "CsiThin pool");
        ThinPool.Format(PoolPath, new PoolFormatOptions { Force = true });

        var file = Path.Combine(_directory, "file");
        using (var stream = File.Create(file))
        {
            stream.SetLength(PoolBytes);
            stream.Position = PoolBytes - 1;
            stream.WriteByte(1);
        }
        Refuses(PoolError.HoldsData, () => ThinPool.Format(file, new PoolFormatOptions()), file);
        Assert.Equal(1, File.ReadAllBytes(file)[^1]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-4096)]
    [InlineData(4095)]
    [InlineData(1 << 20)]
    [InlineData(PoolBytes + 1)]
    [InlineData(long.MaxValue)]
    public void A_size_that_makes_no_pool_leaves_no_file(long sizeBytes)
    {
        Refuses(PoolError.OutOfRange, () =>
            ThinPool.Format(PoolPath, new PoolFormatOptions { SizeBytes = sizeBytes }),
            sizeBytes.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.False(File.Exists(PoolPath));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData(65537)]
    [InlineData(2L << 30)]
    [InlineData(-65536)]
    public void A_data_block_size_dm_thin_does_not_take_is_refused(long blockBytes) => Refuses(
        PoolError.InvalidArgument, () =>
            ThinPool.Format(PoolPath, new PoolFormatOptions { SizeBytes = PoolBytes, DataBlockBytes = blockBytes }), "65536");

    [Fact]
    public void What_is_no_pool_is_told_from_one_that_is_damaged()
    {
        File.WriteAllBytes(PoolPath, new byte[1 << 20]);
        Refuses(PoolError.NotAPool, Open, PoolPath);
        File.WriteAllBytes(PoolPath, []);
        Refuses(PoolError.NotAPool, Open, PoolPath);
        Refuses(PoolError.Io, () => ThinPool.Open(Path.Combine(_directory, "missing"), new PoolOpenOptions()), "missing");

        Format();
        Damage(100, 4096 + 100, PoolBytes - 4096 + 100);
        Refuses(PoolError.Corrupt, Open, "checksum");
    }

    [Fact]
    public void One_good_label_of_three_is_enough()
    {
        Format();
        Damage(0, 4096);
        Open();
        Format();
        Damage(4096, PoolBytes - 4096);
        Open();
    }

    [Fact]
    public void A_disk_cut_short_is_refused()
    {
        Format();
        using (var stream = File.OpenWrite(PoolPath))
            stream.SetLength(PoolBytes / 2);
        Refuses(PoolError.Corrupt, Open, $"{PoolBytes / 2}");
    }

    [Fact]
    public void Labels_of_two_pools_are_refused()
    {
        Format();
        var first = File.ReadAllBytes(PoolPath)[..4096];
        Format();
        Patch(0, first);
        Refuses(PoolError.Corrupt, Open, "two pools");
    }

    [Fact]
    public void A_label_from_the_future_is_refused()
    {
        Format();
        var label = File.ReadAllBytes(PoolPath)[..4096];
        BinaryPrimitives.WriteUInt32LittleEndian(label.AsSpan(4), 2);
        BinaryPrimitives.WriteUInt32LittleEndian(label, Crc32C.Of(label.AsSpan(4)));
        Patch(0, label);
        Refuses(PoolError.Unsupported, Open, "version 2");
    }

    [Fact]
    public void Metadata_that_is_damaged_is_named_as_such()
    {
        Format();
        long metadata;
        using (var inspector = PoolInspector.Open(PoolPath))
            metadata = inspector.Status.Extents[0].Metadata.OffsetBytes;
        Damage(metadata + 40);
        Refuses(PoolError.Corrupt, Open, "superblock");
        using (var inspector = PoolInspector.Open(PoolPath))
            Assert.NotEmpty(inspector.Check());
    }

    [Fact]
    public void A_catalog_that_lost_a_record_is_refused_and_nothing_is_forgotten()
    {
        Format();
        using (var pool = ThinPool.Open(PoolPath, new PoolOpenOptions()))
        {
            for (var i = 0; i < 5; i++)
                pool.Create(new VolumeSpec { Name = $"v{i}", SizeBytes = 1 << 20 });
            pool.Close();
        }
        Damage((1 << 20) + 3 * 4096 + 70);
        Refuses(PoolError.Corrupt, Open, "catalog");
    }

    private void Format() => ThinPool.Format(PoolPath, new PoolFormatOptions { SizeBytes = PoolBytes, Force = true });

    private void Open() => ThinPool.Open(PoolPath, new PoolOpenOptions()).Dispose();

    private void Damage(long offset, params long[] more) => Damage([offset, .. more]);

    private void Damage(ReadOnlySpan<long> offsets)
    {
        using var stream = File.Open(PoolPath, FileMode.Open);
        foreach (var offset in offsets)
        {
            stream.Position = offset;
            var old = stream.ReadByte();
            stream.Position = offset;
            stream.WriteByte((byte)(old ^ 0xFF));
        }
    }

    private void Patch(long offset, byte[] bytes)
    {
        using var stream = File.OpenWrite(PoolPath);
        stream.Position = offset;
        stream.Write(bytes);
    }

    private static void Refuses(PoolError error, Action action, string part)
    {
        var thrown = Assert.Throws<PoolException>(action);
        Assert.Equal(error, thrown.Error);
        Assert.Contains(part, thrown.Message, StringComparison.Ordinal);
    }
}
