using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>Random operations on a pool beside the simplest thing that could be right: a byte array for each volume.</summary>
public sealed class PoolModelTests(Xunit.Abstractions.ITestOutputHelper output)
{
    private const int VolumeBytes = 1 << 20;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_pool_does_what_byte_arrays_would(int salt)
    {
        _ = salt; // only so that it runs several times
        var random = TestSeed.NewRandom(output);
        using var pool = TestPool.Opened(96 << 20);
        var model = new Dictionary<VolumeId, byte[]>();
        for (var step = 0; step < 400; step++)
            Step(random, pool, model, step);
        Compare(pool, model);
        pool.Reopen();
        Compare(pool, model);
        pool.Pool.Close();
        Assert.Empty(pool.Check());
    }

    private static void Step(Random random, TestPool pool, Dictionary<VolumeId, byte[]> model, int step)
    {
        var volumes = pool.Pool.ListVolumes();
        var choice = random.Next(100);
        if (volumes.Count < 2 || (choice < 4 && volumes.Count < 12))
        {
            model[pool.CreateVolume($"v{step}", VolumeBytes).Id] = new byte[VolumeBytes];
            return;
        }
        var volume = volumes[random.Next(volumes.Count)];
        if (choice < 14 && volumes.Count < 12)
        {
            var made = choice < 9 ? pool.CreateSnapshot($"s{step}", volume) : pool.CreateVolume($"c{step}", volume.SizeBytes, volume.Id);
            model[made.Id] = model[volume.Id].ToArray();
        }
        else if (choice < 20 && volumes.Count > 4)
        {
            pool.Pool.Delete(volume.Id);
            model.Remove(volume.Id);
        }
        else if (choice < 22)
        {
            pool.Reopen();
        }
        else if (volume.Kind == VolumeKind.Volume)
        {
            Change(random, pool, volume, model[volume.Id]);
        }
    }

    private static void Change(Random random, TestPool pool, VolumeInfo volume, byte[] bytes)
    {
        using var device = pool.Device(volume);
        using var client = new BlockClient(device);
        for (var i = random.Next(1, 8); i > 0; i--)
        {
            var unit = random.Next(3) switch { 0 => 1, 1 => 512, _ => 65536 };
            var offset = random.Next(bytes.Length / unit) * unit;
            var length = Math.Min(bytes.Length - offset, unit * random.Next(1, 1 + Math.Max(1, 300_000 / unit)));
            switch (random.Next(10))
            {
                case < 6:
                    var payload = new byte[length];
                    random.NextBytes(payload);
                    Assert.Equal(BlockError.None, client.Write(offset, payload, durable: random.Next(4) == 0));
                    payload.CopyTo(bytes, offset);
                    break;
                case 6:
                    Assert.Equal(
                        BlockError.None, client.WriteZeroes(offset, length, random.Next(2) == 0 ? BlockFlags.NoHole : BlockFlags.None));
                    bytes.AsSpan(offset, length).Clear();
                    break;
                case 7:
                    var (first, last) = ((offset + 65535) / 65536, (offset + length) / 65536);
                    Assert.Equal(BlockError.None, client.Discard(offset, length));
                    if (last > first)
                        bytes.AsSpan(first * 65536, (last - first) * 65536).Clear();
                    break;
                case 8:
                    Assert.Equal(BlockError.None, client.Flush());
                    break;
                default:
                    Assert.True(
                        bytes.AsSpan(offset, length).SequenceEqual(client.Read(offset, length)),
                        $"{volume.Name} differs in [{offset}, {offset + length})");
                    break;
            }
        }
    }

    private static void Compare(TestPool pool, Dictionary<VolumeId, byte[]> model)
    {
        Assert.Equal(model.Keys.OrderBy(id => id.Number), pool.Pool.ListVolumes().Select(v => v.Id));
        foreach (var volume in pool.Pool.ListVolumes())
        {
            using var device = pool.Device(volume, readOnly: true);
            using var client = new BlockClient(device);
            Assert.True(model[volume.Id].AsSpan().SequenceEqual(client.Read(0, VolumeBytes)), $"{volume.Name} differs from its model");
        }
    }
}
