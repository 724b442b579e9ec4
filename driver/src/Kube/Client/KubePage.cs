namespace CsiThin.Driver.Kube.Client;

/// <summary>How much of a list, and from where: <see cref="Continue"/> is what the page before gave.</summary>
internal sealed record KubePage(int Limit, string? Continue = null);
