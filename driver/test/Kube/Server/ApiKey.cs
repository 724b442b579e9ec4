namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>Addresses one object of the test API server.</summary>
internal sealed record ApiKey(string Group, string Plural, string? Namespace, string Name);
