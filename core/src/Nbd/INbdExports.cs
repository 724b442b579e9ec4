using CsiThin.Core.Device;

namespace CsiThin.Core.Nbd;

/// <summary>
/// What a server offers. Implemented by whoever owns the volumes.
/// <para>Concurrency: called from every connection's thread at once, during handshakes only.</para>
/// </summary>
public interface INbdExports
{
    /// <summary>All exports, for a client that asks for a list. A snapshot: it may be out of date when it arrives.</summary>
    IReadOnlyCollection<NbdExport> List();

    /// <summary>The export of that name ("" is the default export), or null when there is none.</summary>
    NbdExport? Find(string name);

    /// <summary>
    /// Opens the export of that name; the caller disposes the device. Null when there is none (any more). Throws
    /// <see cref="NbdRefusedException"/>, whose message the client is told, when it may not be opened now.
    /// </summary>
    IBlockDevice? Open(string name);
}
