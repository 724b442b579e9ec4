namespace Grpc.Core;

/// <summary>One fact that the transport proved about the peer, such as a name in its certificate.</summary>
public sealed class AuthProperty
{
    private AuthProperty(string name, string value) => (Name, Value) = (name, value);

    public string Name { get; }

    public string Value { get; }

    public static AuthProperty Create(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(value);
        return new AuthProperty(name, value);
    }
}
