using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Driver.Kube.Declared;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>The devices of a machine that there is none of, and what they hold.</summary>
internal sealed class FakeBlockDevices : IBlockDevices
{
    private readonly Dictionary<string, (BlockDeviceFacts Facts, string? Busy)> _all = [];
    private readonly Dictionary<string, string> _links = [];
    private readonly Dictionary<string, DeviceContent?> _contents = [];

    public List<string> Formatted { get; } = [];

    public List<long> BlockBytes { get; } = [];

    public Action BeforeFormat { get; set; } = static () => { };

    public void Add(string path, string name, long gibibytes, string? content, bool isPartition = false, string? busy = null)
    {
        _all[path] = (new BlockDeviceFacts(name, gibibytes << 30) { IsPartition = isPartition }, busy);
        _contents[name] = content is null ? null : new DeviceContent(content);
    }

    public void Link(string path, string target) => _links[path] = target;

    public IReadOnlyList<string> Expand(string pattern) => pattern.Contains('*', StringComparison.Ordinal)
        ? [.. _all.Keys.Concat(_links.Keys).Where(path => IsMatch(path, pattern)).Order(StringComparer.Ordinal)]
        : [pattern];

    public BlockDeviceFacts? Look(string path) => _all.GetValueOrDefault(_links.GetValueOrDefault(path, path)).Facts;

    public DeviceContent? Inspect(string path)
    {
        var (facts, busy) = _all[_links.GetValueOrDefault(path, path)];
        var content = _contents[facts.KernelName];
        if (busy is null)
            return content;
        return content?.PoolUuid is null
            ? throw new PoolException(PoolError.Busy, $"{path} is in use: {busy}")
            : content with { InUse = $"{path} is in use: {busy}" };
    }

    public Guid Format(string path, PoolFormatOptions options)
    {
        BeforeFormat();
        Formatted.Add(path);
        BlockBytes.Add(options.DataBlockBytes);
        return Hold(path, Guid.NewGuid());
    }

    /// <summary>Puts a pool on it.</summary>
    public Guid Hold(string path, Guid uuid)
    {
        _contents[Look(path)!.KernelName] = new DeviceContent("a CsiThin pool", uuid);
        return uuid;
    }

    /// <summary>Takes the device out of the machine; what it holds stays on it.</summary>
    public Action Pull(string path)
    {
        var was = _all[path];
        _all.Remove(path);
        return () => _all[path] = was;
    }

    /// <summary>Lets somebody have it, or nobody.</summary>
    public void Use(string path, string? user, bool isMember = false) =>
        _all[path] = (_all[path].Facts with { IsMember = isMember }, user);

    private static bool IsMatch(string path, string pattern) =>
        Path.GetDirectoryName(path) == Path.GetDirectoryName(pattern) &&
        System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(Path.GetFileName(pattern), Path.GetFileName(path));
}
