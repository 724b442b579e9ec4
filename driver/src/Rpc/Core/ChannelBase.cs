namespace Grpc.Core;

/// <summary>A place that calls go to.</summary>
public abstract class ChannelBase(string target)
{
    /// <summary>The authority, as in the address.</summary>
    public string Target { get; } = target;

    public abstract CallInvoker CreateCallInvoker();

    /// <summary>Ends the channel's calls and connections.</summary>
    public Task ShutdownAsync() => ShutdownAsyncCore();

    protected virtual Task ShutdownAsyncCore() => Task.CompletedTask;
}
