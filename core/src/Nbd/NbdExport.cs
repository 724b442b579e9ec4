namespace CsiThin.Core.Nbd;

/// <summary>An export as a client sees it in a list.</summary>
/// <param name="Name">What the client asks for: at most 4096 bytes of UTF-8.</param>
/// <param name="Description">For a person; may be empty. At most 4096 bytes of UTF-8.</param>
/// <param name="LengthBytes">Its size.</param>
public sealed record NbdExport(string Name, string Description, long LengthBytes);
