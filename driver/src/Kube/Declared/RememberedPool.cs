namespace CsiThin.Driver.Kube.Declared;

/// <summary>The pool that a declaration was on this node, and the path it was found by last.</summary>
internal sealed record RememberedPool(Guid Uuid, string Device);
