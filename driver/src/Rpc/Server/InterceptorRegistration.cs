namespace Grpc.AspNetCore.Server;

/// <summary>An interceptor's type, and the constructor arguments that the service provider does not know.</summary>
public sealed class InterceptorRegistration
{
    internal InterceptorRegistration(Type type, object[] arguments) => (Type, Arguments) = (type, arguments);

    public Type Type { get; }

    public IReadOnlyList<object> Arguments { get; }
}
