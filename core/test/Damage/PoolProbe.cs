using System.Globalization;
using CsiThin.Core.Device;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Tests.Pool;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Damage;

/// <summary>
/// Does everything with a pool that may be damaged. Each thing must end, with a <see cref="PoolException"/>, a <see cref="BlockError"/>
/// or well; and with <paramref name="isTold"/> (damage that a checksum shows) what is read must be what was there.
/// </summary>
internal sealed class PoolProbe(PoolImage image, MemoryDisk disk, bool isTold)
{
    /// <summary>Looks at it from outside, then opens it, reads, changes, and closes it. The disk is changed.</summary>
    public void Run(Random random)
    {
        Ask(Inspect);
        ThinPool? pool = null;
        Ask(() => pool = PoolImage.Open(disk));
        if (pool == null)
            return;
        using (pool)
        {
            _ = pool.GetStatus();
            foreach (var volume in pool.ListVolumes().Take(10))
                Ask(() => Read(pool, volume));
            Ask(() => pool.ListUsage());
            Ask(() => pool.ListForeign());
            foreach (var volume in pool.ListVolumes().Take(6))
                Change(pool, volume, random);
            Ask(() => pool.Trim(Core.Tools.ToolRun.Quiet));
            Ask(() => pool.HoldMetadataSnapshot().Dispose());
            Ask(pool.Close);
        }
        if (isTold)
            AssertOthersUntouched();
    }

    /// <summary>Whatever was changed: what the snapshot had is on the disk where it was.</summary>
    private void AssertOthersUntouched()
    {
        Ask(() =>
        {
            using var pool = PoolImage.Open(disk, readOnly: true);
            foreach (var volume in pool.ListVolumes().Where(static volume => volume.Name is "snapshot" or "other"))
                Ask(() => Read(pool, volume));
        });
    }

    private void Inspect()
    {
        using var inspector = PoolInspector.Open(disk);
        _ = inspector.Check();
        Ask(() => _ = inspector.Status);
        Ask(() => _ = inspector.Volumes);
        Ask(() => inspector.Dump(new StringWriter(CultureInfo.InvariantCulture)));
        Ask(() => _ = inspector.CheckCatalog());
    }

    private void Read(ThinPool pool, VolumeInfo volume)
    {
        var (bytes, _) = PoolImage.Read(pool, volume);
        if (!isTold || bytes == null)
            return;
        Assert.True(image.Content.TryGetValue(volume.Name, out var before), $"there is a volume '{volume.Name}'");
        Assert.True(before.AsSpan().SequenceEqual(bytes), $"'{volume.Name}' reads wrong");
    }

    private static void Change(ThinPool pool, VolumeInfo volume, Random random)
    {
        if (volume.Name is "origin" or "clone")
            Ask(() => Write(pool, volume, random));
        Ask(() => pool.Create(new VolumeSpec
        {
            Name = $"{volume.Name}-{volume.Id.Number}-2",
            Kind = VolumeKind.Snapshot,
            Source = volume.Id,
        }));
        Ask(() => pool.Resize(volume.Id, volume.SizeBytes + 4096));
        if (volume.Name is not ("snapshot" or "other"))
            Ask(() => pool.Delete(volume.Id));
    }

    private static void Write(ThinPool pool, VolumeInfo volume, Random random)
    {
        using var device = pool.OpenDevice(volume.Id, readOnly: false);
        using var client = new BlockClient(device);
        var blocks = Math.Max(1, Math.Min(6, (int)(volume.SizeBytes >> 16)));
        for (var i = 0; i < 4; i++)
            _ = client.Write(random.Next(blocks) * (64L << 10), new byte[4096]);
        _ = client.Discard(0, 128 << 10);
        _ = client.WriteZeroes(64 << 10, 64 << 10);
        _ = client.Flush();
        _ = client.Run(new BlockRequest { Operation = BlockOperation.Status, LengthBytes = 64 << 10, MaxExtents = 10 });
    }

    private static void Ask(Action ask)
    {
        try
        {
            ask();
        }
        catch (PoolException)
        {
            // The only exception that may leave a pool.
        }
    }
}
