namespace Grpc.Core;

/// <summary>Deadline and cancellation of a server call, for the calls it makes; give it to <see cref="CallOptions"/>.</summary>
public abstract class ContextPropagationToken
{
    internal ContextPropagationToken()
    {
    }
}
