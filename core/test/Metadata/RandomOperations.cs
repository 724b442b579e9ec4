using CsiThin.Core.Device;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using Xunit;

namespace CsiThin.Core.Tests.Metadata;

/// <summary>
/// Random operations on a pool and its model side by side: on blocks below <paramref name="maxBlock"/>, and with no more devices than
/// <paramref name="maxThins"/> unless there were more.
/// </summary>
internal sealed class RandomOperations(IDisk disk, Random random, int maxBlock = 3000, int maxThins = 8) : IDisposable
{
    private const long CacheBytes = 256 << 10;

    public PoolModel Model { get; } = new();

    public ThinMetadata Pool { get; private set; } = ThinMetadata.Open(disk, new ThinMetadataOptions { CacheBytes = CacheBytes });

    public void Dispose() => Pool.Dispose();

    /// <summary>One operation of the many-or-few kind, commits and aborts not included.</summary>
    public void Step()
    {
        switch (random.Next(100))
        {
            case < 4: Create(); break;
            case < 8: Snapshot(); break;
            case < 10: Delete(); break;
            case < 30: WriteRun(); break;
            case < 60: Write(); break;
            case < 80: Remove(); break;
            case < 90: RemoveRange(); break;
            case < 91: Pool.SetTransactionId(Pool.TransactionId, Pool.TransactionId + 1); break;
            default: Lookup(); break;
        }
    }

    public void Commit()
    {
        Pool.Commit();
        Model.Commit();
    }

    public void Abort()
    {
        Pool.Abort();
        Model.Abort();
    }

    /// <summary>Forgets what was not committed by opening the disk anew.</summary>
    public void Reopen()
    {
        Pool.Dispose();
        Pool = ThinMetadata.Open(disk, new ThinMetadataOptions { CacheBytes = CacheBytes });
        Model.Abort();
    }

    /// <summary>Writes to a block as a pool does: overwrite in place, or take a new data block for a hole or a shared one.</summary>
    public void WriteBlock(uint id, ulong block)
    {
        using var thin = Pool.OpenThin(new ThinId(id));
        var expected = Model.Thins[id].TryGetValue(block, out var data);
        Assert.Equal(expected, Pool.Find(thin, new VirtualBlock(block), out var mapping));
        if (expected)
            Assert.Equal(data, mapping.Block.Value);
        if (expected && !mapping.IsShared)
        {
            Assert.Equal(1, Model.Users(data));
            return;
        }
        if (!Pool.TryAllocateDataBlock(out var fresh))
            return;
        Assert.Equal(0, Model.Users(fresh.Value));
        Pool.Insert(thin, new VirtualBlock(block), fresh);
        Model.Map(id, block, fresh.Value);
    }

    public void Create()
    {
        var id = (uint)random.Next(1, 1 << 24);
        if (Model.Thins.Count >= maxThins || Model.Thins.ContainsKey(id))
            return;
        Pool.CreateThin(new ThinId(id));
        Model.Thins.Add(id, []);
    }

    public void Snapshot()
    {
        var id = (uint)random.Next(1, 1 << 24);
        if (Model.Thins.Count >= maxThins || Model.Thins.ContainsKey(id) || !TryPick(out var origin))
            return;
        Pool.CreateSnapshot(new ThinId(id), new ThinId(origin));
        Model.Snapshot(id, origin);
    }

    private void Delete()
    {
        if (!TryPick(out var id))
            return;
        var cursor = new VirtualBlock((ulong)random.Next(3) * 700); // any place to begin at is right
        if (random.Next(2) == 0)
            Pool.DeleteThin(new ThinId(id));
        else
            while (!Pool.DeleteThinSome(new ThinId(id), ref cursor, random.Next(1, 4)))
            {
            }
        Model.Delete(id);
    }

    private void Write()
    {
        if (TryPick(out var id))
            WriteBlock(id, (ulong)random.Next(maxBlock));
    }

    private void WriteRun()
    {
        if (!TryPick(out var id))
            return;
        var begin = random.Next(maxBlock);
        var end = Math.Min(maxBlock, begin + random.Next(200));
        for (var block = begin; block < end; block++)
            WriteBlock(id, (ulong)block);
    }

    private void Remove()
    {
        if (!TryPick(out var id))
            return;
        using var thin = Pool.OpenThin(new ThinId(id));
        var block = (ulong)random.Next(maxBlock);
        if (Model.Unmap(id, block))
            Pool.Remove(thin, new VirtualBlock(block));
        else
            AssertNotMapped(thin, block);
    }

    private void AssertNotMapped(ThinDevice thin, ulong block)
    {
        var error = Assert.Throws<MetadataException>(() => Pool.Remove(thin, new VirtualBlock(block)));
        if (error.Error == MetadataError.Io)
            throw new MetadataException(error.Error, error.Message, error.InnerException); // a fault put in by the test
        Assert.Equal(MetadataError.NotFound, error.Error);
    }

    private void RemoveRange()
    {
        if (!TryPick(out var id))
            return;
        using var thin = Pool.OpenThin(new ThinId(id));
        var begin = (ulong)random.Next(maxBlock);
        var end = begin + (ulong)random.Next(maxBlock / 3);
        var mapped = Model.Thins[id].Keys.Where(block => block >= begin && block < end).ToList();
        Assert.Equal((ulong)mapped.Count, Pool.RemoveRange(thin, new VirtualBlock(begin), new VirtualBlock(end)));
        foreach (var block in mapped)
            Model.Unmap(id, block);
    }

    private void Lookup()
    {
        if (!TryPick(out var id))
            return;
        using var thin = Pool.OpenThin(new ThinId(id));
        var block = (ulong)random.Next(maxBlock);
        var isMapped = Pool.Find(thin, new VirtualBlock(block), out var mapping);
        Assert.Equal(Model.Thins[id].TryGetValue(block, out var data), isMapped);
        Assert.Equal(data, mapping.Block.Value);
        Assert.Equal(isMapped ? LookupOutcome.Mapped : LookupOutcome.Hole, Pool.TryFind(thin, new VirtualBlock(block), out var again));
        Assert.Equal(mapping, again);
    }

    private bool TryPick(out uint id)
    {
        id = Model.Thins.Count == 0 ? 0 : Model.Thins.Keys.ElementAt(random.Next(Model.Thins.Count));
        return id != 0;
    }
}
