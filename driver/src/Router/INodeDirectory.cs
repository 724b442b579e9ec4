namespace CsiThin.Driver.Router;

/// <summary>Which nodes there are: the command line says it, or the ThinPool objects of the cluster. Any thread may call.</summary>
internal interface INodeDirectory
{
    /// <summary>
    /// The nodes known at this moment, each once. Never waits. A collection that was given out never changes; the same one again says that
    /// nothing has. <see cref="Volumes.VolumeError.Unavailable"/> while it cannot be said which there are.
    /// </summary>
    IReadOnlyCollection<NodeAddress> List();
}
