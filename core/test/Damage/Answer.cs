using CsiThin.Core.Metadata;

namespace CsiThin.Core.Tests.Damage;

/// <summary>What came of asking something of damaged metadata: an answer or a typed error. Any other exception is not caught.</summary>
internal readonly record struct Answer<T>(T? Value, MetadataException? Error)
{
    public bool IsError => Error != null;

    public override string ToString() => Error is { } error ? $"{error.Error}: {error.Message}" : $"{Value}";
}

/// <summary>Asks, and holds the one who answers to memory and reads in proportion to the image.</summary>
internal static class Answer
{
    public static Answer<T> Of<T>(Func<T> ask)
    {
        try
        {
            return new Answer<T>(ask(), null);
        }
        catch (MetadataException e)
        {
            return new Answer<T>(default, e);
        }
    }
}
