using CsiThin.Driver.Kube.Objects;

namespace CsiThin.Driver.Kube.Client;

/// <summary>What follows from the seven verbs.</summary>
internal static class KubeClientExtensions
{
    private const int PageObjects = 500;
    private const int RestartsMax = 5;

    /// <summary>
    /// All objects of a selection, fetched in pages. A list that expires before its last page is begun again, a few times: then the pages
    /// come too slowly for the server to keep them, and <see cref="KubeError.Expired"/> is thrown.
    /// </summary>
    public static async Task<KubeList<T>> ListAsync<T>(
        this IKubeClient client, KubeSelection selection, CancellationToken cancellation, int pageObjects = PageObjects)
        where T : KubeObject, IKubeObject
    {
        for (var restarts = 0; ; restarts++)
        {
            try
            {
                return await ListOnceAsync<T>(client, selection, pageObjects, cancellation).ConfigureAwait(false);
            }
            catch (KubeException failure) when (failure.Error == KubeError.Expired && restarts < RestartsMax)
            {
                // Nothing of the list is kept: pages of two moments make no list.
            }
        }
    }

    /// <summary>One object, or null where there is none.</summary>
    public static async Task<T?> FindAsync<T>(this IKubeClient client, ObjectName name, CancellationToken cancellation)
        where T : KubeObject, IKubeObject
    {
        try
        {
            return await client.GetAsync<T>(name, cancellation).ConfigureAwait(false);
        }
        catch (KubeException failure) when (failure.Error == KubeError.NotFound)
        {
            return null;
        }
    }

    /// <summary>Server-side apply of <paramref name="value"/>, whatever others think of the fields it names.</summary>
    public static Task<T> ApplyAsync<T>(
        this IKubeClient client, T value, string fieldManager, CancellationToken cancellation, string? subresource = null)
        where T : KubeObject, IKubeObject
    {
        var whole = value with { ApiVersion = T.Resource.ApiVersion, Kind = T.Resource.Kind };
        return client.PatchAsync<T>(value.Metadata.Address, KubePatch.Apply(whole, fieldManager, subresource), cancellation);
    }

    private static async Task<KubeList<T>> ListOnceAsync<T>(
        IKubeClient client, KubeSelection selection, int pageObjects, CancellationToken cancellation)
        where T : KubeObject, IKubeObject
    {
        var items = new List<T>();
        var page = new KubePage(pageObjects);
        while (true)
        {
            var list = await client.ListPageAsync<T>(selection, page, cancellation).ConfigureAwait(false);
            items.AddRange(list.Items ?? []);
            if (string.IsNullOrEmpty(list.Metadata.Continue))
                return new KubeList<T> { Items = items, Metadata = list.Metadata };
            page = page with { Continue = list.Metadata.Continue };
        }
    }
}
