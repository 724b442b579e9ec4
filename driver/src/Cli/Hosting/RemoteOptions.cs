using System.Net;

namespace CsiThin.Driver.Cli.Hosting;

/// <summary>How a node is reached by the controller.</summary>
/// <param name="Listen">The address and port listened on.</param>
/// <param name="TlsDirectory">The node's certificates, see <see cref="Calls.Tls.TlsIdentity"/>.</param>
internal sealed record RemoteOptions(IPEndPoint Listen, string TlsDirectory);
