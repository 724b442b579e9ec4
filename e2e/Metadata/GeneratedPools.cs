using System.Text;

namespace CsiThin.EndToEnd.Metadata;

/// <summary>
/// XML of pools in the shapes that matter, for thin_restore of either generation. Sizes are such that all of them take seconds.
/// </summary>
internal static class GeneratedPools
{
    /// <summary>Data blocks of each.</summary>
    public const ulong DataBlocks = 400_000;

    /// <summary>By name.</summary>
    public static IReadOnlyDictionary<string, Func<Random, string>> All { get; } = new Dictionary<string, Func<Random, string>>
    {
        ["empty"] = _ => Pool(0),
        ["one huge device"] = random => Pool(0, Device(1, 0, Pieces(random, 150_000, lengthMax: 400))),
        ["dense"] = _ => Pool(0, Device(5, 0, [new Piece(0, 0, 200_000, 0)])),
        ["sparse"] = random => Pool(0, Device(1, 0, Sparse(random, 20_000))),
        ["1,000 devices"] = ThousandDevices,
        ["deep snapshot trees"] = DeepTrees,
        ["counts above 2"] = ManyShare,
    };

    private readonly record struct Piece(ulong Begin, ulong Data, ulong Length, uint Time);

    private static string Pool(uint time, params IEnumerable<string> devices) =>
        $"<superblock uuid=\"\" time=\"{time}\" transaction=\"7\" flags=\"0\" version=\"2\" data_block_size=\"128\" " +
        $"nr_data_blocks=\"{DataBlocks}\">\n{string.Concat(devices)}</superblock>\n";

    private static string Device(uint id, uint snapTime, IReadOnlyCollection<Piece> pieces)
    {
        var mapped = pieces.Aggregate(0UL, (sum, piece) => sum + piece.Length);
        var text = new StringBuilder();
        text.Append($"  <device dev_id=\"{id}\" mapped_blocks=\"{mapped}\" transaction=\"{id % 7}\" creation_time=\"0\" ")
            .Append($"snap_time=\"{snapTime}\">\n");
        foreach (var piece in pieces)
            text.Append(piece.Length == 1
                ? $"    <single_mapping origin_block=\"{piece.Begin}\" data_block=\"{piece.Data}\" time=\"{piece.Time}\"/>\n"
                : $"    <range_mapping origin_begin=\"{piece.Begin}\" data_begin=\"{piece.Data}\" length=\"{piece.Length}\" "
                    + $"time=\"{piece.Time}\"/>\n");
        return text.Append("  </device>\n").ToString();
    }

    /// <summary>Runs with gaps, on data blocks in another order, with one far away at the end of what a volume may have.</summary>
    private static List<Piece> Pieces(Random random, ulong blocks, int lengthMax)
    {
        var lengths = new List<ulong>();
        for (var left = blocks; left > 0; left -= lengths[^1])
            lengths.Add(Math.Min(left, (ulong)random.Next(1, lengthMax)));
        var places = new ulong[lengths.Count];
        var next = 0UL;
        foreach (var i in Enumerable.Range(0, lengths.Count).OrderBy(_ => random.Next()))
        {
            places[i] = next;
            next += lengths[i] + 1; // a gap, so that neighbours in both never make one run of two pieces
        }

        var pieces = new List<Piece>();
        var begin = 0UL;
        for (var i = 0; i < lengths.Count; i++)
        {
            pieces.Add(new Piece(begin, places[i], lengths[i], 0));
            begin += lengths[i] + (ulong)random.Next(3);
        }

        pieces.Add(new Piece(1UL << 46, next, 1, 0));
        return pieces;
    }

    private static List<Piece> Sparse(Random random, int count)
    {
        var data = Enumerable.Range(0, count).Select(i => (ulong)i * 17 % DataBlocks).ToArray();
        random.Shuffle(data);
        var begin = 0UL;
        return [.. data.Select(block => new Piece(begin += (ulong)random.Next(2, 1000), block, 1, 0))];
    }

    private static string ThousandDevices(Random random)
    {
        var next = 0UL;
        return Pool(0, Enumerable.Range(1, 1000).Select(id =>
        {
            var pieces = new List<Piece>();
            for (var left = random.Next(30); left > 0; left--)
            {
                var length = (ulong)random.Next(1, 8);
                pieces.Add(new Piece(pieces.Count == 0 ? 0 : pieces[^1].Begin + pieces[^1].Length + 1, next, length, 0));
                next += length + 1;
            }

            return Device((uint)id, 0, pieces);
        }));
    }

    /// <summary>Each device a snapshot of one before it, with some blocks written since: a mapping has the time it was made at.</summary>
    private static string DeepTrees(Random random)
    {
        const int Devices = 60, Blocks = 1500;
        var next = 0UL;
        var all = new List<Dictionary<ulong, (ulong Data, uint Time)>>();
        var snapTimes = new uint[Devices];
        for (var device = 0; device < Devices; device++)
        {
            var origin = device == 0 ? -1 : random.Next(Math.Max(0, device - 3), device);
            all.Add(origin < 0 ? [] : new(all[origin]));
            snapTimes[device] = (uint)device;
            if (origin >= 0)
                snapTimes[origin] = (uint)device;
            for (var i = 0; i < (device == 0 ? Blocks : 80); i++)
                all[device][device == 0 ? (ulong)i : (ulong)random.Next(2 * Blocks)] = (next++, (uint)device);
        }

        return Pool(Devices, all.Select((blocks, device) => Device(
            (uint)device + 1,
            snapTimes[device],
            [.. blocks.OrderBy(pair => pair.Key).Select(pair => new Piece(pair.Key, pair.Value.Data, 1, pair.Value.Time))])));
    }

    /// <summary>Data blocks of 1 to 9 devices, so that counts are in bitmaps and in the tree of big counts, in runs and alone.</summary>
    private static string ManyShare(Random random) => Pool(1, Enumerable.Range(1, 9).Select(id =>
    {
        var pieces = new List<Piece> { new(0, 0, 2000, 0) };
        for (var block = 0UL; block < 3000; block++)
            if (random.Next(9) < id)
                pieces.Add(new Piece(5000 + (block * 2), 10_000 + (block * 2), 1, 0));
        return Device((uint)id, 1, pieces);
    }));
}
