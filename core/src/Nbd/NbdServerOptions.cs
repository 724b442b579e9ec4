namespace CsiThin.Core.Nbd;

/// <summary>
/// The limits of a server. A connection holds at most its receive buffer and <see cref="MaxPayloadBytes"/> of request buffers, whatever
/// its client does; idle ones give all but 1 MiB of the latter back.
/// </summary>
public sealed record NbdServerOptions
{
    /// <summary>Connections served at once; one more is closed at once, unanswered.</summary>
    public int MaxConnections { get; init; } = 256;

    /// <summary>Requests of one connection being served or answered; above it nothing more is read from its socket.</summary>
    public int MaxRequests { get; init; } = 256;

    /// <summary>
    /// Bytes of request buffers of one connection, 32 MiB (one largest request) at least; above it nothing more is read from its socket.
    /// </summary>
    public int MaxPayloadBytes { get; init; } = 64 << 20;

    /// <summary>How long a client may take from connecting to the end of its handshake.</summary>
    public TimeSpan HandshakeLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>When the server stops: how long clients may take to receive the replies to what was in flight.</summary>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The clock of both limits.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where the traffic is counted, so that several servers may share it; null for a count of the server's own.</summary>
    public NbdTraffic? Traffic { get; init; }

    /// <summary>Takes messages; nobody does when null.</summary>
    public NbdLog? Log { get; init; }
}
