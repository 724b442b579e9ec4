using CsiThin.Driver.Kube.Client;
using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>A client whose way to the server the test can cut, for this client alone.</summary>
internal sealed class CuttableClient(IKubeClient inner) : IKubeClient
{
    private volatile bool _isCut;

    public bool IsCut
    {
        get => _isCut;
        set => _isCut = value;
    }

    public Task<T> GetAsync<T>(ObjectName name, CancellationToken cancellation)
        where T : KubeObject, IKubeObject => Passes().GetAsync<T>(name, cancellation);

    public Task<KubeList<T>> ListPageAsync<T>(KubeSelection selection, KubePage page, CancellationToken cancellation)
        where T : KubeObject, IKubeObject => Passes().ListPageAsync<T>(selection, page, cancellation);

    public IAsyncEnumerable<KubeChange<T>> WatchAsync<T>(KubeSelection selection, string resourceVersion, CancellationToken cancellation)
        where T : KubeObject, IKubeObject => Passes().WatchAsync<T>(selection, resourceVersion, cancellation);

    public Task<T> CreateAsync<T>(T value, CancellationToken cancellation)
        where T : KubeObject, IKubeObject => Passes().CreateAsync(value, cancellation);

    public Task<T> ReplaceAsync<T>(T value, CancellationToken cancellation)
        where T : KubeObject, IKubeObject => Passes().ReplaceAsync(value, cancellation);

    public Task<T> PatchAsync<T>(ObjectName name, KubePatch patch, CancellationToken cancellation)
        where T : KubeObject, IKubeObject => Passes().PatchAsync<T>(name, patch, cancellation);

    public Task DeleteAsync<T>(ObjectName name, DeletePreconditions preconditions, CancellationToken cancellation)
        where T : KubeObject, IKubeObject => Passes().DeleteAsync<T>(name, preconditions, cancellation);

    private IKubeClient Passes() => IsCut ? throw new KubeException(KubeError.Unreachable, "cut by the test") : inner;
}
