using Google.Protobuf;

namespace CsiThin.Driver.Control;

/// <summary>Cuts a long answer into parts that fit a message, whatever the names and parameters in it.</summary>
internal static class MessageParts
{
    /// <summary>A quarter of what a gRPC client takes unless told otherwise (4 MiB), so that no single item can lead past that.</summary>
    public const int PartBytesMax = 1 << 20;

    /// <summary>The items in order, in parts of at least one; no part for no items.</summary>
    public static IEnumerable<List<T>> Cut<T>(IEnumerable<T> items)
        where T : IMessage
    {
        var part = new List<T>();
        var partBytes = 0;
        foreach (var item in items)
        {
            part.Add(item);
            partBytes += item.CalculateSize();
            if (partBytes < PartBytesMax)
                continue;
            yield return part;
            part = [];
            partBytes = 0;
        }

        if (part.Count > 0)
            yield return part;
    }
}
