using System.Text;
using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Support;
using CsiThin.Core.Tools;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Dump;
using CsiThin.Core.Tools.Restore;
using Xunit;

namespace CsiThin.Core.Tests.Tools;

/// <summary>XML of pools for tests, and the short ways from it to metadata and back.</summary>
internal static class XmlPoolText
{
    public const string Superblock =
        """<superblock uuid="" time="3" transaction="5" flags="0" version="2" data_block_size="128" nr_data_blocks="100000">""";

    public static string Thin(uint id, ulong mappedBlocks, params string[] content) =>
        $"  <device dev_id=\"{id}\" mapped_blocks=\"{mappedBlocks}\" transaction=\"1\" creation_time=\"0\" snap_time=\"1\">\n"
        + $"{string.Concat(content)}  </device>\n";

    public static string Single(ulong block, ulong data, uint time = 0) =>
        $"    <single_mapping origin_block=\"{block}\" data_block=\"{data}\" time=\"{time}\"/>\n";

    public static string Range(ulong block, ulong data, ulong length, uint time = 0) =>
        $"    <range_mapping origin_begin=\"{block}\" data_begin=\"{data}\" length=\"{length}\" time=\"{time}\"/>\n";

    public static string Def(string name, params string[] content) => $"  <def name=\"{name}\">\n{string.Concat(content)}  </def>\n";

    public static string Ref(string name) => $"    <ref name=\"{name}\"/>\n";

    public static string PoolOf(params string[] content) => $"{Superblock}\n{string.Concat(content)}</superblock>\n";

    /// <summary>Restores a text to a new region, which must be sound then.</summary>
    public static MemoryDisk Restore(string xml, out RestoreResult result, long regionBytes = 8 << 20)
    {
        var disk = new MemoryDisk(regionBytes);
        result = Restore(xml, disk);
        Assert.Empty(MetadataChecker.Check(disk, strict: true));
        return disk;
    }

    public static RestoreResult Restore(string xml, IDisk disk)
    {
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(xml));
        return MetadataRestore.Restore(text, disk, new RestoreOptions(), ToolRun.Quiet);
    }

    public static string Dump(IDisk disk)
    {
        using var text = new StringWriter();
        MetadataDump.Write(disk, text);
        return text.ToString();
    }

    /// <summary>The text is refused with this kind of error, for a reason that has all these parts, and the target is untouched.</summary>
    public static void AssertRefused(string xml, MetadataError error, params string[] reasons)
    {
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(xml));
        AssertRefused(text, error, reasons);
    }

    public static void AssertRefused(Stream xml, MetadataError error, params string[] reasons)
    {
        var left = new byte[1 << 20];
        left.AsSpan().Fill(0x5a);
        var disk = new MemoryDisk(left.Length);
        disk.Write(0, left);
        var refused = Assert.Throws<MetadataException>(
            () => MetadataRestore.Restore(xml, disk, new RestoreOptions(), ToolRun.Quiet));
        foreach (var reason in reasons)
            Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Equal(error, refused.Error);
        disk.Read(0, left);
        Assert.False(left.AsSpan().ContainsAnyExcept((byte)0x5a), "the target was changed");
    }
}
