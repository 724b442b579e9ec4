namespace CsiThin.Driver.Kube.Client;

/// <summary>What a watch tells.</summary>
internal enum KubeChangeKind
{
    /// <summary>It came, or came into the selection.</summary>
    Added,

    /// <summary>It changed.</summary>
    Modified,

    /// <summary>It went, or left the selection.</summary>
    Deleted,

    /// <summary>Nothing happened up to the resource version given.</summary>
    Bookmark,
}
