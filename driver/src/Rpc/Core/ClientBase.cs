namespace Grpc.Core;

/// <summary>The base of generated clients: it holds the invoker.</summary>
public abstract class ClientBase
{
    protected ClientBase(CallInvoker callInvoker)
    {
        ArgumentNullException.ThrowIfNull(callInvoker);
        CallInvoker = callInvoker;
    }

    /// <summary>For test doubles, whose methods are all overridden: a call that is not throws.</summary>
    protected ClientBase()
        : this(UnboundCallInvoker.Instance)
    {
    }

    protected ClientBase(ClientBaseConfiguration configuration)
        : this(new HostCallInvoker(configuration.Invoker, configuration.Host))
    {
    }

    /// <summary>Makes every call of this client.</summary>
    protected CallInvoker CallInvoker { get; }

    /// <summary>An invoker and the authority to use with it.</summary>
    protected internal sealed class ClientBaseConfiguration
    {
        internal ClientBaseConfiguration(CallInvoker invoker, string? host) => (Invoker, Host) = (invoker, host);

        internal CallInvoker Invoker { get; }

        internal string? Host { get; }
    }
}
