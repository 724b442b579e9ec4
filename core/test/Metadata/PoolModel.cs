using CsiThin.Core.Format;
using CsiThin.Core.Metadata;
using Xunit;

namespace CsiThin.Core.Tests.Metadata;

/// <summary>
/// What a pool should contain: a dictionary for each thin device. Data blocks are told apart by what a user would have written into them.
/// </summary>
internal sealed class PoolModel
{
    private Dictionary<uint, Dictionary<ulong, ulong>> _committed = [];
    private Dictionary<ulong, int> _users = [];

    /// <summary>Virtual to data block, by thin id.</summary>
    public Dictionary<uint, Dictionary<ulong, ulong>> Thins { get; private set; } = [];

    public ulong TransactionId { get; set; }

    public void Commit() => _committed = Copy(Thins);

    public void Abort()
    {
        Thins = Copy(_committed);
        _users = Thins.Values.SelectMany(static blocks => blocks.Values).GroupBy(static data => data)
            .ToDictionary(static group => group.Key, static group => group.Count());
    }

    /// <summary>Takes over what a pool has that others made.</summary>
    public void Adopt(ThinMetadata pool)
    {
        foreach (var info in pool.ListThins())
        {
            using var thin = pool.OpenThin(info.Id);
            Thins.Add(info.Id.Value, new(ReadAll(pool, thin)));
        }
        Commit();
        Abort();
    }

    /// <summary>How many mappings lead to a data block.</summary>
    public int Users(ulong data) => _users.GetValueOrDefault(data);

    public void Map(uint id, ulong block, ulong data)
    {
        Unmap(id, block);
        Thins[id][block] = data;
        _users[data] = Users(data) + 1;
    }

    /// <summary>False for a hole.</summary>
    public bool Unmap(uint id, ulong block)
    {
        if (!Thins[id].Remove(block, out var data))
            return false;
        Drop(data);
        return true;
    }

    public void Snapshot(uint id, uint origin)
    {
        Thins.Add(id, new(Thins[origin]));
        foreach (var data in Thins[id].Values)
            _users[data]++;
    }

    public void Delete(uint id)
    {
        foreach (var data in Thins[id].Values)
            Drop(data);
        Thins.Remove(id);
    }

    /// <summary>Compares everything the pool says with the model.</summary>
    public void AssertEqual(ThinMetadata pool)
    {
        Assert.Equal(Thins.Keys.Order(), pool.ListThins().Select(static thin => thin.Id.Value));
        foreach (var (id, blocks) in Thins)
        {
            using var thin = pool.OpenThin(new ThinId(id));
            Assert.Equal((ulong)blocks.Count, thin.MappedBlocks);
            Assert.Equal(blocks.OrderBy(static pair => pair.Key), ReadAll(pool, thin));
            Assert.Equal(blocks.Count > 0, pool.FindHighestMapped(thin, out var highest));
            if (blocks.Count > 0)
                Assert.Equal(blocks.Keys.Max(), highest.Value);
        }
        if (!pool.IsDirty)
            Assert.Equal(pool.DataBlocks - (ulong)_users.Count, pool.FreeDataBlocks);
    }

    private void Drop(ulong data)
    {
        if (--_users[data] == 0)
            _users.Remove(data);
    }

    private static List<KeyValuePair<ulong, ulong>> ReadAll(ThinMetadata pool, ThinDevice thin)
    {
        var all = new List<KeyValuePair<ulong, ulong>>();
        for (var at = new VirtualBlock(0); pool.FindMappedRange(thin, at, new VirtualBlock(ulong.MaxValue), out var range); at = range.End)
            for (var i = 0UL; i < range.End.Value - range.Begin.Value; i++)
                all.Add(new(range.Begin.Value + i, range.DataBegin.Value + i));
        return all;
    }

    private static Dictionary<uint, Dictionary<ulong, ulong>> Copy(Dictionary<uint, Dictionary<ulong, ulong>> thins) =>
        thins.ToDictionary(static pair => pair.Key, static pair => new Dictionary<ulong, ulong>(pair.Value));
}
