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

    /// <summary>Virtual to data block, by thin id.</summary>
    public Dictionary<uint, Dictionary<ulong, ulong>> Thins { get; private set; } = [];

    public ulong TransactionId { get; set; }

    public void Commit() => _committed = Copy(Thins);

    public void Abort() => Thins = Copy(_committed);

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
        var used = Thins.Values.SelectMany(static blocks => blocks.Values).Distinct().Count();
        if (!pool.IsDirty)
            Assert.Equal(pool.DataBlocks - (ulong)used, pool.FreeDataBlocks);
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
