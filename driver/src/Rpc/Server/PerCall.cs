using Microsoft.Extensions.DependencyInjection;

namespace CsiThin.Driver.Rpc.Server;

/// <summary>An object for one call: the service provider's own, which it disposes, or one made here and disposed with this.</summary>
internal readonly struct PerCall : IAsyncDisposable
{
    private readonly bool _owned;

    private PerCall(object instance, bool owned)
    {
        Instance = instance;
        _owned = owned;
    }

    public object Instance { get; }

    public static PerCall Get(IServiceProvider services, Type type, params object[] arguments) =>
        services.GetService(type) is { } known
            ? new PerCall(known, owned: false)
            : new PerCall(ActivatorUtilities.CreateInstance(services, type, arguments), owned: true);

    public async ValueTask DisposeAsync()
    {
        switch (_owned ? Instance : null)
        {
            case IAsyncDisposable asynchronous:
                await asynchronous.DisposeAsync().ConfigureAwait(false);
                break;
            case IDisposable disposable:
                disposable.Dispose();
                break;
        }
    }
}
