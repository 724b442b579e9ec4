namespace CsiThin.Driver.Router;

/// <summary>Where the CSI services of a node are served.</summary>
/// <param name="Name">The node's id, which is its topology segment.</param>
/// <param name="Address"><c>https://host:port</c>.</param>
internal sealed record NodeAddress(string Name, Uri Address);
