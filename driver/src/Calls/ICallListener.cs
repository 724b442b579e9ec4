using Microsoft.AspNetCore.Hosting;

namespace CsiThin.Driver.Calls;

/// <summary>Where a <see cref="CallServer"/> listens, and who is let in. The server disposes it as its last act.</summary>
internal interface ICallListener : IDisposable
{
    /// <summary>Makes Kestrel listen there and nowhere else.</summary>
    void Configure(IWebHostBuilder host);
}
