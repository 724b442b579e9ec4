namespace CsiThin.Driver.Kube.Client;

/// <summary>Delete only the very object that was looked at; null demands nothing.</summary>
internal sealed record DeletePreconditions(string? Uid = null, string? ResourceVersion = null);
