using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Metadata;

/// <summary>
/// One generation of thin-provisioning-tools: 0.9 in C++ or 1.x in Rust. The machine has one installed, and e2e/fetch-thin-tools unpacks
/// the other; where that could not be had, which e2e/run-tests says, there is one.
/// </summary>
internal sealed class ThinTools
{
    private const string Unpacked = "/usr/local/lib/csithin-tests/thin-tools/usr/sbin";

    private readonly string _directory;

    private ThinTools(string directory)
    {
        _directory = directory;
        Version = Run("thin_check", "-V").Trim();
    }

    /// <summary>Every generation there is, by version.</summary>
    public static IReadOnlyDictionary<string, ThinTools> All { get; } = Find();

    /// <summary>Such as 0.9.0.</summary>
    public string Version { get; }

    /// <summary>The C++ generation, whose texts ours are to the byte.</summary>
    public bool IsFirst => Version.StartsWith("0.", StringComparison.Ordinal);

    /// <summary>Runs one of the tools and returns what it printed; fails the test unless it exits with 0.</summary>
    public string Run(string tool, params string[] arguments) => Tool.Run(Path.Combine(_directory, tool), arguments);

    /// <summary>All generations are content with the metadata.</summary>
    public static void AssertSound(string path)
    {
        foreach (var tools in All.Values)
            tools.Run("thin_check", path);
    }

    private static Dictionary<string, ThinTools> Find()
    {
        string[] places = ["", Unpacked];
        var all = places.Where(place => place.Length == 0 || File.Exists(Path.Combine(place, "thin_check")))
            .Select(place => new ThinTools(place)).ToDictionary(tools => tools.Version);
        Assert.NotEmpty(all);
        return all;
    }
}
