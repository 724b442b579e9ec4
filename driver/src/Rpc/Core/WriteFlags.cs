namespace Grpc.Core;

/// <summary>Hints for sending one message.</summary>
[Flags]
public enum WriteFlags
{
    None = 0,

    /// <summary>The message may wait for the next one before it is sent.</summary>
    BufferHint = 1,

    /// <summary>Never compress; this layer never does.</summary>
    NoCompress = 2,
}
