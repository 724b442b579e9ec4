using System.Globalization;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Volumes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// The file that the chart renders from its values. A key that is not known is refused with the nearest one: a misspelt limit that is
/// ignored would let a device be taken that was not meant.
/// <code>
/// pools:
/// - name: fast
///   nodeSelector: {disktype: nvme}
///   devices: {paths: [/dev/disk/by-id/nvme-*], minimumSize: 100Gi}
///   blockSize: 64Ki
///   thresholds: {nearlyFullPercent: 80, metadataLowPercent: 80, snapshotsRefusedPercent: 90, volumesRefusedPercent: 95, queueSeconds: 60}
/// </code>
/// </summary>
internal static class DeclarationFile
{
    private static readonly string[] PoolKeys = ["name", "nodeSelector", "devices", "blockSize", "thresholds"];
    private static readonly string[] DeviceKeys = ["paths", "minimumSize", "maximumSize"];
    private static readonly string[] ThresholdKeys =
        ["nearlyFullPercent", "metadataLowPercent", "snapshotsRefusedPercent", "volumesRefusedPercent", "queueSeconds"];

    /// <summary>Reads the declarations in a file; <see cref="VolumeException"/> for what is none.</summary>
    public static IReadOnlyList<PoolDeclaration> Read(string path)
    {
        try
        {
            return Parse(path, File.ReadAllText(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Refuse(path, $"cannot be read: {failure.Message}");
        }
    }

    /// <summary>Reads the declarations in a text that comes from <paramref name="where"/>.</summary>
    public static IReadOnlyList<PoolDeclaration> Parse(string where, string text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException failure)
        {
            throw Refuse($"{where}:{failure.Start.Line}", $"no YAML: {failure.Message}");
        }

        if (stream.Documents.Count == 0)
            return [];
        var root = Map(where, "the file", stream.Documents[0].RootNode, ["pools"]);
        return root.GetValueOrDefault("pools") is { } pools ? Pools(where, pools) : [];
    }

    private static List<PoolDeclaration> Pools(string where, YamlNode node)
    {
        if (node is not YamlSequenceNode list)
            return node is YamlScalarNode { Value: "" or "null" or null } ? [] : throw Refuse(At(where, node), "pools is no list");
        return [.. list.Children.Select(pool => Pool(where, pool))];
    }

    private static PoolDeclaration Pool(string where, YamlNode node)
    {
        var pool = Map(where, "a pool", node, PoolKeys);
        var devices = pool.TryGetValue("devices", out var deviceNode) ? Map(where, "devices", deviceNode, DeviceKeys) : [];
        var thresholds = pool.TryGetValue("thresholds", out var thresholdNode)
            ? Map(where, "thresholds", thresholdNode, ThresholdKeys)
            : null;
        var spec = new ThinPoolSpec
        {
            PoolName = Text(where, "name", pool),
            BlockSize = Text(where, "blockSize", pool),
            Devices = new ThinPoolDevices
            {
                Paths = Texts(where, "devices.paths", devices.GetValueOrDefault("paths")),
                MinimumSize = Text(where, "minimumSize", devices),
                MaximumSize = Text(where, "maximumSize", devices),
            },
            Thresholds = thresholds is null ? null : new ThinPoolThresholds
            {
                NearlyFullPercent = Number(where, "nearlyFullPercent", thresholds),
                MetadataLowPercent = Number(where, "metadataLowPercent", thresholds),
                SnapshotsRefusedPercent = Number(where, "snapshotsRefusedPercent", thresholds),
                VolumesRefusedPercent = Number(where, "volumesRefusedPercent", thresholds),
                QueueSeconds = Number(where, "queueSeconds", thresholds),
            },
        };
        return PoolDeclaration.Of(At(where, node), spec, Selector(where, pool.GetValueOrDefault("nodeSelector")));
    }

    private static Dictionary<string, string> Selector(string where, YamlNode? node) => node is null or YamlScalarNode { Value: "" or null }
        ? []
        : Map(where, "nodeSelector", node, known: null).ToDictionary(pair => pair.Key, pair => Scalar(where, pair.Key, pair.Value));

    private static Dictionary<string, YamlNode> Map(string where, string what, YamlNode node, string[]? known)
    {
        if (node is not YamlMappingNode map)
            throw Refuse(At(where, node), $"{what} is no map of keys");
        var found = new Dictionary<string, YamlNode>();
        foreach (var (keyNode, value) in map.Children)
        {
            var key = Scalar(where, "a key", keyNode);
            if (known is not null && !known.Contains(key))
                throw Refuse(
                    At(where, keyNode),
                    $"unknown key {NameRules.Quote(key)} in {what}; the nearest known one is '{NearestName.Of(key, known)}'");
            found.Add(key, value);
        }

        return found;
    }

    private static List<string> Texts(string where, string what, YamlNode? node) => node switch
    {
        null => [],
        YamlSequenceNode list => [.. list.Children.Select(child => Scalar(where, what, child))],
        _ => [Scalar(where, what, node)],
    };

    private static string? Text(string where, string key, Dictionary<string, YamlNode> map) =>
        map.TryGetValue(key, out var node) ? Scalar(where, key, node) : null;

    private static int? Number(string where, string key, Dictionary<string, YamlNode> map)
    {
        if (Text(where, key, map) is not { } text)
            return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Refuse(At(where, map[key]), $"{key}: {NameRules.Quote(text)} is no number");
    }

    private static string Scalar(string where, string what, YamlNode node) =>
        node is YamlScalarNode { Value: { } text } ? text : throw Refuse(At(where, node), $"{what} is no text");

    private static string At(string where, YamlNode node) => $"{where}:{node.Start.Line}";

    private static VolumeException Refuse(string where, string what) => new(VolumeError.InvalidArgument, $"{where}: {what}");
}
