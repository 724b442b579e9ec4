using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// What this driver asks of an API server: seven verbs, each with a namesake in the official client (KubernetesClient's
/// <c>GenericClient</c>), which could stand in behind this interface. All members may be called from any thread; failures are
/// <see cref="KubeException"/>. Requests that may be repeated without harm are repeated a few times while the failure is a passing one;
/// whoever needs longer goes on by themselves.
/// </summary>
internal interface IKubeClient
{
    /// <summary>One object.</summary>
    Task<T> GetAsync<T>(ObjectName name, CancellationToken cancellation)
        where T : KubeObject, IKubeObject;

    /// <summary>
    /// One page; the next follows from its <c>continue</c> until that is empty. <see cref="KubeError.Expired"/>: begin again.
    /// </summary>
    Task<KubeList<T>> ListPageAsync<T>(KubeSelection selection, KubePage page, CancellationToken cancellation)
        where T : KubeObject, IKubeObject;

    /// <summary>
    /// Changes behind <paramref name="resourceVersion"/>, bookmarks among them, until the server ends the watch, which it does every few
    /// minutes. Throws when it could not begin, breaks, falls silent, or says so itself (<see cref="KubeError.Expired"/>: list anew).
    /// </summary>
    IAsyncEnumerable<KubeChange<T>> WatchAsync<T>(KubeSelection selection, string resourceVersion, CancellationToken cancellation)
        where T : KubeObject, IKubeObject;

    /// <summary>Makes an object. Not repeated unless the server said that it did nothing.</summary>
    Task<T> CreateAsync<T>(T value, CancellationToken cancellation)
        where T : KubeObject, IKubeObject;

    /// <summary>Replaces an object if it still has the resource version given; else <see cref="KubeError.Conflict"/>.</summary>
    Task<T> ReplaceAsync<T>(T value, CancellationToken cancellation)
        where T : KubeObject, IKubeObject;

    /// <summary>Changes the fields the patch names.</summary>
    Task<T> PatchAsync<T>(ObjectName name, KubePatch patch, CancellationToken cancellation)
        where T : KubeObject, IKubeObject;

    /// <summary>Deletes an object if it is still the one meant.</summary>
    Task DeleteAsync<T>(ObjectName name, DeletePreconditions preconditions, CancellationToken cancellation)
        where T : KubeObject, IKubeObject;
}
