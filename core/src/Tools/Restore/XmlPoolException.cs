namespace CsiThin.Core.Tools.Restore;

/// <summary>What a text says of a pool makes no sense. The reader adds the line and turns it into a MetadataException.</summary>
internal sealed class XmlPoolException(string message) : Exception(message);
