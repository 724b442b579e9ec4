namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>What goes wrong with one change that a watch is about to tell.</summary>
internal enum WatchFault
{
    None,

    /// <summary>The stream ends before it.</summary>
    End,

    /// <summary>The connection is cut before it.</summary>
    Cut,

    /// <summary>Half of it is sent, then the connection is cut.</summary>
    HalfLine,

    /// <summary>A line that is no JSON comes in its place, and the stream goes on.</summary>
    Garbage,

    /// <summary>It is sent twice.</summary>
    Twice,

    /// <summary>An ERROR with 410 comes in its place.</summary>
    Expired,

    /// <summary>A bookmark follows it.</summary>
    Bookmark,

    /// <summary>Neither it nor anything else is told any more, and the connection stays open.</summary>
    Silence,
}
