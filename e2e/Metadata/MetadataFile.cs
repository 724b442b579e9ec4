using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tools.Check;
using CsiThin.Core.Tools.Dump;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Metadata;

/// <summary>A metadata region as a file of its own, so that the kernel's tools can look at it. Deleted with the test.</summary>
internal sealed class MetadataFile : IDisposable
{
    private readonly List<string> _others = [];

    public MetadataFile(long lengthBytes, ulong dataBlocks = 0)
    {
        Disk = FileDisk.Create(Path, lengthBytes);
        if (dataBlocks > 0)
            ThinMetadata.Format(Disk, 128, dataBlocks);
    }

    public string Path { get; } = NewPath();

    public FileDisk Disk { get; }

    public ThinMetadata Open() => ThinMetadata.Open(Disk, new ThinMetadataOptions());

    /// <summary>Fails the test unless thin_check of every generation and our own checker are content.</summary>
    public void AssertSound()
    {
        ThinTools.AssertSound(Path);
        Assert.Empty(MetadataChecker.Check(Disk));
    }

    /// <summary>Fails the test unless our dump is thin_dump's, to the byte where that is 0.9; returns it.</summary>
    public string AssertSameDump()
    {
        using var ours = new StringWriter();
        MetadataDump.Write(Disk, ours);
        var theirs = Tool.Run("thin_dump", Path);
        if (Tool.Run("thin_dump", "-V").StartsWith("0.9", StringComparison.Ordinal))
            Assert.Equal(theirs, ours.ToString());
        else if (!theirs.Contains("<def ", StringComparison.Ordinal)) // there, shared parts are written once and referred to
            Assert.Equal(Modernize(theirs), Modernize(ours.ToString()));
        return ours.ToString();
    }

    /// <summary>Writes a dump back into the file with thin_restore.</summary>
    public void Restore(string dump, ThinTools? tools = null)
    {
        var xml = NewPath();
        _others.Add(xml);
        File.WriteAllText(xml, dump);
        (tools ?? ThinTools.All.Values.First()).Run("thin_restore", "-i", xml, "-o", Path);
    }

    public void Dispose()
    {
        Disk.Dispose();
        File.Delete(Path);
        foreach (var other in _others)
            File.Delete(other);
    }

    /// <summary>The Rust generation leaves out flags that are not set, and the last line's end.</summary>
    private static string Modernize(string dump) => dump.Replace(" flags=\"0\"", "", StringComparison.Ordinal).TrimEnd('\n');

    private static string NewPath() =>
        System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"csithin-{Environment.ProcessId}-{Guid.NewGuid():N}");
}
