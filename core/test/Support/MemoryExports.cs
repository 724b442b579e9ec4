using System.Collections.Concurrent;
using CsiThin.Core.Device;
using CsiThin.Core.Nbd;

namespace CsiThin.Core.Tests.Support;

/// <summary>Exports by name, each opened by a function. Those of memory devices count their handles.</summary>
public sealed class MemoryExports : INbdExports
{
    private readonly ConcurrentDictionary<string, (NbdExport Export, Func<IBlockDevice?> Open)> _exports = new();

    /// <summary>Adds a memory device.</summary>
    public MemoryExports With(string name, MemoryBlockDevice device, string description = "") =>
        With(name, device.LengthBytes, device.Open, description);

    /// <summary>Adds whatever <paramref name="open"/> opens.</summary>
    public MemoryExports With(string name, long lengthBytes, Func<IBlockDevice?> open, string description = "")
    {
        _exports[name] = (new NbdExport(name, description, lengthBytes), open);
        return this;
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<NbdExport> List() => [.. _exports.Values.Select(e => e.Export).OrderBy(e => e.Name, StringComparer.Ordinal)];

    /// <inheritdoc/>
    public NbdExport? Find(string name) => _exports.TryGetValue(name, out var found) ? found.Export : null;

    /// <inheritdoc/>
    public IBlockDevice? Open(string name) => _exports.TryGetValue(name, out var found) ? found.Open() : null;
}
