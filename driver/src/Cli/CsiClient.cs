using Csi.V1;
using CsiThin.Driver.Calls;
using Grpc.Net.Client;

namespace CsiThin.Driver.Cli;

/// <summary>CSI's Identity and Controller on a unix socket, from the caller's side.</summary>
internal sealed class CsiClient : IDisposable
{
    private readonly GrpcChannel _channel;

    /// <summary>Connects when first called.</summary>
    public CsiClient(string socketPath)
    {
        _channel = UnixChannel.Open(socketPath);
        Identity = new Identity.IdentityClient(_channel);
        Controller = new Controller.ControllerClient(_channel);
    }

    /// <summary>CSI's Identity service.</summary>
    public Identity.IdentityClient Identity { get; }

    /// <summary>CSI's Controller service.</summary>
    public Controller.ControllerClient Controller { get; }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();
}
