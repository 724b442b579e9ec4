namespace CsiThin.Core.Pool;

#pragma warning disable CA1822, CA1065 // stub

/// <summary>A look at a pool that nobody has open. STUB: the contract the command line is written against.</summary>
public sealed class PoolInspector : IDisposable
{
    public static PoolInspector Open(string path) => throw new NotImplementedException();
    public PoolStatus Status => throw new NotImplementedException();
    public IReadOnlyList<VolumeUsage> Volumes => throw new NotImplementedException();
    public IReadOnlyList<string> Check() => throw new NotImplementedException();
    public void Dump(TextWriter output) => throw new NotImplementedException();
    public void CopyMetadata(Stream output) => throw new NotImplementedException();
    public void Dispose() { }
}
