namespace Grpc.Core;

/// <summary>What the transport proved about the peer; empty on a unix socket.</summary>
public sealed class AuthContext(string? peerIdentityPropertyName, Dictionary<string, List<AuthProperty>> properties)
{
    /// <summary>True if a property names the peer.</summary>
    public bool IsPeerAuthenticated => peerIdentityPropertyName is not null;

    /// <summary>The property that names the peer, or null.</summary>
    public string? PeerIdentityPropertyName => peerIdentityPropertyName;

    /// <summary>The values of the property that names the peer; none if it is not authenticated.</summary>
    public IEnumerable<AuthProperty> PeerIdentity =>
        peerIdentityPropertyName is null ? [] : FindPropertiesByName(peerIdentityPropertyName);

    public IEnumerable<AuthProperty> Properties => properties.Values.SelectMany(p => p);

    /// <summary>Every property with the name; none if there is none.</summary>
    public IEnumerable<AuthProperty> FindPropertiesByName(string propertyName) => properties.GetValueOrDefault(propertyName) ?? [];
}
