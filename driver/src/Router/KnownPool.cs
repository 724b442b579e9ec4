namespace CsiThin.Driver.Router;

/// <summary>A pool as its node described it when it was last asked.</summary>
internal sealed record KnownPool(Guid Uuid, string Name, bool IsWritable, long FreeBytes);
