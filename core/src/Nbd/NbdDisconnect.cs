namespace CsiThin.Core.Nbd;

/// <summary>Ends a handshake, with the sentence for the log. Never crosses the connection's thread.</summary>
internal sealed class NbdDisconnect(NbdLogLevel level, string message) : Exception(message)
{
    /// <summary>How much it matters.</summary>
    public NbdLogLevel Level { get; } = level;
}
