namespace CsiThin.Core.Nbd;

/// <summary>How much a message of the server matters.</summary>
public enum NbdLogLevel
{
    /// <summary>The usual life of connections.</summary>
    Debug,

    /// <summary>A client broke the protocol, or was refused.</summary>
    Warning,

    /// <summary>Something on our side failed.</summary>
    Error,
}

/// <summary>
/// Takes the server's messages: one line each, with what clients sent made printable. Called from several threads at once; must not throw.
/// </summary>
public delegate void NbdLog(NbdLogLevel level, string message);
